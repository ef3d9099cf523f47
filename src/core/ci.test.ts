import { expect, test } from 'vitest'
import { ciOf, isCi } from './ci.js'

test.each([
  [{ CI: 'true', GITHUB_ACTIONS: 'true' }, 'GitHub Actions'],
  [{ CI: 'true' }, 'CI'],
  [{ CI: 'false' }, undefined],
  [{}, undefined],
])('of %j the build server is %s', (env, name) => expect(ciOf(env)).toBe(name))

test.each(['true', '1', 'True', 'TRUE', 'yes', 'woodpecker'])('CI=%s is CI', CI => {
  expect(isCi({ CI })).toBe(true)
})

test.each(['', ' ', '0', 'false', 'False', 'no', 'off'])('CI=%j is none, also on a build server', CI => {
  expect(isCi({ CI, GITHUB_ACTIONS: 'true' })).toBe(false)
})

test.each([
  [{ TF_BUILD: 'True' }, true],
  [{ TEAMCITY_VERSION: '2024.1' }, true],
  [{ JENKINS_URL: 'https://ci.example.com/' }, true],
  [{ CODEBUILD_BUILD_ID: 'app:1' }, true],
  [{ TF_BUILD: '' }, false],
  [{ BUILD_TAG: 'by-hand' }, false],
  [{}, false],
])('without CI %j tells: %s', (env, expected) => expect(isCi(env)).toBe(expected))
