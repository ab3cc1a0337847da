// What `npm publish` in this folder comes to: it would send what happens to lie in dist/, and nothing of it proven.

console.error('This is not published from a folder. `npm run release` prepares a release; pushing its tag publishes it: docs/releasing.md.')
process.exit(1)
