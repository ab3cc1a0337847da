/** A TCP proxy that does what networks do on bad days. */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { freePort } from './redis-server.js'

export type Fault =
  /** All goes through. */
  | 'pass'
  /** Connections are accepted, and nothing is ever said. */
  | 'blackhole'
  /** Connections are reset, and no new one is accepted. */
  | 'refuse'
  /** One connection is reset when `cutAfter` bytes of replies have gone through since the fault began; then all goes through again. */
  | 'cut'
  /** Replies come `delayMs` later. */
  | 'slow'

export class FaultProxy {
  cutAfter = 0
  delayMs = 0
  /** Connections that were accepted so far. */
  accepted = 0
  private fault: Fault = 'pass'
  private replied = 0
  private server: Server | undefined
  private readonly sockets = new Set<Socket>()

  private constructor(
    private readonly target: number,
    readonly port: number,
  ) {}

  static async to(target: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(target, await freePort())
    await proxy.listen()
    return proxy
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  async turn(fault: Fault): Promise<void> {
    this.fault = fault
    this.replied = 0
    if (fault === 'refuse') await this.stop()
    else if (this.server === undefined) await this.listen()
  }

  async stop(): Promise<void> {
    const { server } = this
    this.server = undefined
    for (const socket of this.sockets) socket.resetAndDestroy()
    if (server !== undefined) await new Promise(resolve => server.close(resolve))
  }

  private async listen(): Promise<void> {
    const server = createServer(near => this.carry(near))
    this.server = server
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(this.port, '127.0.0.1', resolve))
  }

  private carry(near: Socket): void {
    this.accepted++
    const far = connect(this.target, '127.0.0.1')
    /** Replies that are late, and those behind them: a network does not change their order. */
    let late = Promise.resolve()
    let waiting = 0
    for (const [socket, other] of [[near, far], [far, near]] as const) {
      this.sockets.add(socket)
      socket.setNoDelay()
      socket.on('error', () => {})
      socket.on('close', () => {
        this.sockets.delete(socket)
        // In a black hole, nobody hears that the other one is gone.
        if (this.fault !== 'blackhole') other.destroy()
      })
    }
    near.on('data', data => this.fault !== 'blackhole' && far.write(data))
    far.on('data', data => {
      if (this.fault === 'blackhole') return
      if (this.fault === 'slow' || waiting > 0) {
        const sent = new Promise(resolve => setTimeout(resolve, this.fault === 'slow' ? this.delayMs : 0))
        waiting++
        late = late.then(() => sent).then(() => {
          waiting--
          if (near.writable) near.write(data)
        })
        return
      }
      if (this.fault === 'cut') {
        const left = this.cutAfter - this.replied
        this.replied += data.length
        if (left <= data.length) {
          this.fault = 'pass'
          if (left > 0) near.write(data.subarray(0, left))
          // What was written goes out before the connection ends.
          return void setImmediate(() => near.destroyed || near.resetAndDestroy())
        }
      }
      near.write(data)
    })
  }
}
