import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decode } from 'fast-png'
import { paint, sceneNames, type PictureRequest } from '../../demo/picture.js'

const small: PictureRequest = { scene: 'marbles', width: 24, height: 16, samples: 2, seed: 7 }

describe('a picture', () => {
  test('is a PNG of the size that was asked for', async () => {
    const image = decode(await paint(small))
    assert.deepEqual([image.width, image.height, image.channels, image.depth], [24, 16, 3, 8])
  })

  test('is the same to the byte for the same request', async () => {
    assert.deepEqual(await paint(small), await paint({ ...small }))
  })

  test('differs when any field of the request differs', async () => {
    const picture = await paint(small)
    const changes = [{ scene: 'sunset' }, { width: 25 }, { height: 17 }, { samples: 3 }, { seed: 8 }]
    for (const change of changes) assert.notDeepEqual(await paint({ ...small, ...change }), picture, JSON.stringify(change))
  })

  for (const scene of sceneNames) {
    test(`of the ${scene} has light, shade and colour, and no hole`, async () => {
      const { data } = decode(await paint({ ...small, scene, samples: 4 }))
      const brightness = Array.from({ length: data.length / 3 }, (_, i) => data[3 * i]! + data[3 * i + 1]! + data[3 * i + 2]!)
      assert.ok(Math.max(...brightness) > 400, `brightest ${Math.max(...brightness)}`)
      assert.ok(Math.min(...brightness) > 0 && Math.min(...brightness) < 300, `darkest ${Math.min(...brightness)}`)
      assert.ok(data.some((value, i) => i % 3 === 0 && Math.abs(value - data[i + 2]!) > 60))
    })
  }

  test('lets the event loop turn while it is painted, and says how far it is', async () => {
    let turns = 0
    const timer = setInterval(() => turns++, 0)
    const progress: number[] = []
    await paint({ ...small, height: 64, samples: 8 }, { onProgress: (done) => progress.push(done) })
    clearInterval(timer)
    assert.ok(turns > 1, `${turns} turns`)
    assert.deepEqual(progress, Array.from({ length: 32 }, (_, i) => (i + 1) / 32))
  })
})

describe('a request for a picture', () => {
  test('of an unknown scene is refused with the names of the known ones', async () => {
    await assert.rejects(paint({ ...small, scene: 'moon' }), /no scene named "moon".*marbles, sunset, lanterns/)
  })

  test('of an impossible size is refused by the name of the field', async () => {
    await assert.rejects(paint({ ...small, width: 0 }), /width must be a whole number from 1 to 4096, not 0/)
    await assert.rejects(paint({ ...small, height: 10_000 }), /height/)
    await assert.rejects(paint({ ...small, samples: 1.5 }), /samples/)
    await assert.rejects(paint({ ...small, seed: NaN }), /seed/)
  })
})
