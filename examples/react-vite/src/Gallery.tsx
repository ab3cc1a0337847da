import { useEffect, useRef, useState } from 'react'
import { type CallInfo, createCache } from 'reprise'
import { paint, type Picture } from './paint'

const cache = await createCache() // In a browser: memory, then IndexedDB.
const painted = cache.wrap(paint, { name: 'paint', ttl: '30d' })

const scenes = {
  Spirals: { re: -0.7269, im: 0.1889 },
  Coral: { re: -0.4, im: 0.6 },
  Rabbits: { re: -0.1, im: 0.651 },
  Shells: { re: 0.285, im: 0.01 },
}

interface View {
  asked?: string
  picture?: Picture
  info?: CallInfo
}

export function Gallery() {
  const [{ asked, picture, info }, setView] = useState<View>({})
  const busy = asked !== undefined && info === undefined

  async function ask(name: string, scene: { re: number, im: number }) {
    setView(({ picture }) => ({ asked: name, picture })) // The old picture, until there is the new.
    const { value, info } = await painted.withInfo(scene)
    setView(view => (view.asked === name ? { asked: name, picture: value, info } : view))
  }

  return (
    <main>
      <h1>Painted once</h1>
      <p className="lead">Each picture takes this page a while. Ask for it again, or reload the page first.</p>
      <nav>
        {Object.entries(scenes).map(([name, scene]) => (
          <button key={name} aria-pressed={name === asked} onClick={() => ask(name, scene)}>
            {name}
          </button>
        ))}
      </nav>
      <figure aria-busy={busy}>
        <Canvas picture={picture} />
        <figcaption role="status">{info ? <Origin info={info} /> : busy ? 'Painting…' : 'Choose a picture.'}</figcaption>
      </figure>
    </main>
  )
}

/** Where an answer came from, and what that saved. */
function Origin({ info: { status, tier, ms, savedMs } }: { info: CallInfo }) {
  if (tier === undefined) return <span className="miss"><b>{status}</b> painted in {duration(ms)}</span>
  const place = tier === 'memory' ? 'memory' : 'IndexedDB'
  return <span className="hit"><b>{status}</b> from {place} in {duration(ms)}, which saved {duration(savedMs)}</span>
}

function Canvas({ picture }: { picture: Picture | undefined }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    if (picture) canvas.current?.getContext('2d')?.putImageData(new ImageData(picture.pixels, picture.width, picture.height), 0, 0)
  }, [picture])
  return <canvas ref={canvas} width={640} height={400} />
}

const duration = (ms: number) => (ms < 100 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(1)} s`)
