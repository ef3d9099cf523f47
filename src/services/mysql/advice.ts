// biome-ignore format: a table
const ADVICE: Readonly<Record<number, string>> = {
  1047: 'This node of the cluster is joining, or cut off from the majority: look at wsrep_cluster_status.',
  1129: 'The server blocks this host after max_connect_errors broken handshakes: run FLUSH HOSTS there (TRUNCATE performance_schema.host_cache with MySQL 8.4), and find what opens the port without logging in.',
  1130: "No account may log in from this host: create one, like CREATE USER app@'%', or look at skip_name_resolve.",
  1153: 'Send less at once, or raise max_allowed_packet.',
  1226: "Raise the account's limit (ALTER USER … WITH MAX_USER_CONNECTIONS), or connect less often.",
  1698: 'This account logs in as the user of the operating system: use mysql+unix:// as that user, or give the account a password.',
  1820: 'Its password has expired: ALTER USER … IDENTIFIED BY a new one.',
  1862: 'Its password has expired: ALTER USER … IDENTIFIED BY a new one.',
  3118: 'ALTER USER … ACCOUNT UNLOCK.',
  3159: 'The server takes connections with TLS only: use sslmode=require.',
  3955: 'Too many wrong passwords: ALTER USER … ACCOUNT UNLOCK, and correct the password where it is set.',
  4150: 'Too many wrong passwords: FLUSH PRIVILEGES or ALTER USER there, and correct the password where it is set.',
  4151: 'ALTER USER … ACCOUNT UNLOCK.',
}

/** Sharper advice than the table's, where the number names the cause. */
export function adviceFor(errno: number, message: string): { advice?: string } {
  const advice =
    errno === 1045 && /using password: NO/.test(message)
      ? 'No password was given: put it into the address, like mysql://USER:PASSWORD@host/database.'
      : ADVICE[errno]
  return advice ? { advice } : {}
}
