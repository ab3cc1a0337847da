/** The type of `reprise/core.wasm`, where a bundler makes a compiled module of it (wrangler does). */
declare const module: WebAssembly.Module
export default module
