// Two processes of the example, over a real redis-server.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startRedis, type RedisServer } from '../contract/redis-server.js'
import { copyOf, type Example, type Server, times } from './example.js'

let example: Example
let redis: RedisServer
let one: Server
let two: Server

before(async () => {
  example = await copyOf('node-redis')
  redis = await startRedis()
  const start = (command: string): Promise<Server> => example.start(example.documented(command).replace(/\d+/, '0'), { REDIS_URL: redis.url })
  ;[one, two] = await Promise.all([start('PORT=3001 npm start'), start('PORT=3002 npm start')])
})

after(async () => {
  await example?.remove()
  await redis?.stop()
})

/** How often the database was asked for a team's report, by either. */
const readings = (team: number): number => times(`reading the report of team ${team}\n`, one.printed + two.printed)

test('Its types are right', async () => {
  await example.run('npm run check')
})

test('One of two processes that are asked at once makes the report, and the other has the same', async () => {
  const answers = await Promise.all([one.curl(example.documented('curl -i localhost:3001/teams/7')), two.curl(example.documented('curl -i localhost:3002/teams/7'))])
  assert.equal(readings(7), 1)
  assert.equal(answers[0].body, answers[1].body)
  assert.match(answers[0].body, /^\{"team":"7","readBy":\d+,"at":"2.*Z"\}\n$/)
  for (const server of [one, two]) assert.equal((await server.curl('curl localhost:3000/teams/7')).cache, 'hit')
  assert.equal(readings(7), 1)
})

test('A team that has changed is read anew by all, and no other', async () => {
  const kept = (await one.curl('curl localhost:3000/teams/8')).body
  const before = await one.curl('curl localhost:3000/teams/7')
  assert.deepEqual([readings(7), readings(8), before.cache], [1, 1, 'hit'])

  assert.equal((await two.curl(example.documented('curl -i localhost:3002/teams/7 -X POST'))).status, 204)
  const after = await two.curl('curl localhost:3000/teams/7')
  assert.notEqual(after.body, before.body)
  assert.equal(readings(7), 2)
  // The other process hears of it by a message, and has then what the first made of it.
  const end = Date.now() + 10_000
  let heard: string
  do heard = (await one.curl('curl localhost:3000/teams/7')).body
  while (heard === before.body && Date.now() < end)
  assert.equal(heard, after.body)
  assert.equal(readings(7), 2)

  assert.equal((await one.curl('curl localhost:3000/teams/8')).body, kept)
  assert.equal(readings(8), 1)
})

test('A server that is told to end does so, with nothing left undone', async () => {
  const three = await example.start('PORT=0 node server.js', { REDIS_URL: redis.url })
  assert.equal((await three.curl('curl localhost:3000/teams/7')).cache, 'hit')
  await three.stop()
  assert.doesNotMatch(three.printed, /Error/)
})
