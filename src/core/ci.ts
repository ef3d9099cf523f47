type Env = Readonly<Record<string, string | undefined>>

/** Build servers by the variable that each sets, whatever it makes of CI. */
const SERVERS: Readonly<Record<string, string>> = {
  GITHUB_ACTIONS: 'GitHub Actions',
  GITLAB_CI: 'GitLab CI',
  CIRCLECI: 'CircleCI',
  BUILDKITE: 'Buildkite',
  JENKINS_URL: 'Jenkins',
  TF_BUILD: 'Azure Pipelines',
  BITBUCKET_BUILD_NUMBER: 'Bitbucket Pipelines',
  TRAVIS: 'Travis CI',
  TEAMCITY_VERSION: 'TeamCity',
  DRONE: 'Drone',
  APPVEYOR: 'AppVeyor',
  SEMAPHORE: 'Semaphore',
  CODEBUILD_BUILD_ID: 'AWS CodeBuild',
}

/** The variables that say that a process runs on a build server. */
export const CI_VARIABLES: readonly string[] = ['CI', ...Object.keys(SERVERS)]

/** The build server that this process runs on; `CI` where only that variable tells of one. */
export function ciOf(env: Env): string | undefined {
  const known = Object.keys(SERVERS).find(variable => says(env[variable]))
  return known ? SERVERS[known] : says(env.CI) ? 'CI' : undefined
}

/** Is this CI? What the variable CI says holds; without it a build server's own variable does. */
export const isCi = (env: Env): boolean => (env.CI === undefined ? ciOf(env) !== undefined : says(env.CI))

const says = (value: string | undefined): boolean => !/^\s*(|0|false|no|off)\s*$/i.test(value ?? '')
