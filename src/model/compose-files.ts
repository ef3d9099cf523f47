/** The files that `docker compose` takes by themselves, in its order. Source: compose-go, cli.DefaultFileNames. */
export const COMPOSE_FILES = [
  'compose.yaml',
  'compose.yml',
  'docker-compose.yml',
  'docker-compose.yaml',
] as const
