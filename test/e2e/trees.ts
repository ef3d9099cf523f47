/** Projects as their authors leave them, before holdfast has seen them. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { tempFolder } from '../support/root.js'

export type Files = Readonly<Record<string, string>>

/** A folder with these files. */
export function treeOf(files: Files): string {
  const folder = tempFolder('tree')
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

/** All files of a folder with their texts and modes. */
export function contentsOf(folder: string, under = ''): Record<string, string> {
  return Object.fromEntries(
    readdirSync(join(folder, under), { withFileTypes: true }).flatMap(entry => {
      const path = join(under, entry.name)
      if (entry.isDirectory()) return Object.entries(contentsOf(folder, path))
      const mode = (statSync(join(folder, path)).mode & 0o777).toString(8)
      return [[path, `${mode} ${readFileSync(join(folder, path), 'utf8')}`]]
    }),
  )
}

export const DJANGO: Files = {
  'manage.py': '#!/usr/bin/env python\nimport os\n',
  'requirements.txt': 'Django>=5.1\npsycopg[binary]==3.2\ndjango-redis\npytest-django # tests\n',
  'shop/settings.py': `import os
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["DB_HOST"],
        "NAME": os.environ.get("DB_NAME", "shop"),
        "USER": os.environ["DB_USER"],
        "PASSWORD": os.environ["DB_PASSWORD"],
    }
}
`,
}

export const NODE: Files = {
  'package.json':
    '{ "name": "api", "scripts": { "test": "vitest run" }, "dependencies": { "pg": "^8", "ioredis": "^5" } }\n',
  'package-lock.json': '{}\n',
}

export const GO: Files = {
  'go.mod':
    'module example.com/claim\n\ngo 1.23\n\nrequire (\n\tgithub.com/jackc/pgx/v5 v5.7.1\n\tgithub.com/redis/go-redis/v9 v9.7.0 // indirect\n)\n',
  'main.go': 'package main\n',
}

/** A Compose file with comments, an anchor, both forms of depends_on, and secrets that nobody should see. */
export const COMPOSE = `# How we run it at home.
x-env: &env
  DATABASE_URL: postgres://shop:s3cr3t-word@db:5432/shop # the real one
  REDIS_URL: redis://cache:6379/0

services:
  db:
    image: postgres:17 # never latest
    environment:
      POSTGRES_USER: shop
      POSTGRES_PASSWORD: s3cr3t-word
      POSTGRES_DB: shop

  # No persistence on purpose.
  cache:
    image: redis:7

  web:
    build: .
    environment: *env
    depends_on:
      - db # first
  worker:
    build: .
    environment: { <<: *env, QUEUE: "mail" }

volumes: {}
`

export const WORKFLOW = `name: ci
on: push # every branch
jobs:
  lint:
    runs-on: ubuntu-latest
    steps: [{ run: make lint }]
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      # The slow part.
      - run: npm test
`
