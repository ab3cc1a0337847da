/** Milliseconds since some moment, which no turned clock changes. (`performance` is a module of Node that takes a millisecond to load, and few programs have loaded it.) */
export function stopwatch(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return 1e3 * seconds + nanoseconds / 1e6
}
