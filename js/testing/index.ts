/** `reprise/testing`: time, faults and a record of what happened, for tests of programs that use a cache; and of the cache itself. */
export { virtualClock, type VirtualClock, type VirtualClockOptions } from './clock.js'
export { type Faults, faultyStorage, type FaultyStorage, type FaultyStorageOptions } from './faulty-storage.js'
export { seededRandom } from './random.js'
export { recorder, type Recorder } from './recorder.js'
