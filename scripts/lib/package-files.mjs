// Every file that users get: nothing else is published, and none of these may be missing. An entry that is added to
// the package has a line here, too.

export const packageFiles = [
  'package.json',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  'NOTICE',

  // one for each runtime, and what they share
  'dist/node.js',
  'dist/browser.js',
  'dist/url.js',
  'dist/slim.js',
  'dist/workerd.js',
  'dist/edge-light.js',
  /^dist\/chunks\/[a-z][a-z0-9.-]*-[0-9A-Z]{8}\.js$/,

  'dist/core.wasm',
  'dist/core-dense.wasm',
  'dist/SHA256SUMS',

  'dist/cli.js',
  'dist/fallback.js',
  'dist/testing.js',
  'dist/testing/storage.js',
  'dist/redis.js',
  'dist/cloudflare-kv.js',
  'dist/web-cache.js',
  'dist/upstash.js',
  'dist/deno-kv.js',
  'dist/keyv.js',
  'dist/unstorage.js',
  'dist/tiered.js',

  // scripts/pack.mjs takes those that an entry's types lead to
  /^dist\/types\/[a-z/-]+\.d\.ts$/,
]
