/** Passwords of images, manuals, templates and examples, which are the first ones that are tried. */
const WELL_KNOWN = new Set(
  [
    'postgres postgresql pgsql root admin administrator sa guest test testing user username app default mysql',
    'mariadb redis valkey mongo mongodb rabbitmq rabbit clickhouse nats mosquitto memcached django laravel rails',
    'password passwd pass passw0rd p@ssw0rd p@ssword password1 password123 pass123 pwd secret secret123 topsecret',
    'mysecretpassword my-secret-pw supersecret verysecret changeme change_me change-me changeit change-this',
    'changethis replaceme replace_me example examplepass dev development local localhost letmein welcome qwerty',
    'toor 1234 12345 123456 1234567 12345678 123456789 1234567890 abc123 admin123 root123 postgres123 test123',
    'minioadmin s3cr3t foobar hello dbpassword db_password databasepassword your_password yourpassword',
    'your-password your_password_here yourstrong(!)password a-very-secret-password docker homestead vagrant',
  ].flatMap(words => words.split(' ')),
)

/** Is it a password that everybody knows? */
export const isWellKnown = (password: string): boolean => WELL_KNOWN.has(password.toLowerCase())
