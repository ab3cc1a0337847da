// Who may know whom: the rules of the architecture (docs/ARCHITECTURE.md), checked on every #include
// and import. Prints each violation as `file:line: rule`, and what to do instead.
//
//   node scripts/check-imports.mjs

import { readFileSync } from 'node:fs'
import { basename, join, posix } from 'node:path'
import { filesBelow } from './lib/files.mjs'
import { isMain, root } from './lib/process.mjs'

// ---- C++: each rule looks at one #include ------------------------------------------------------

/** Headers that would let the core know a clock, a thread, a random source or an operating system. */
const outsideWorld = new RegExp(
  '^(chrono|ctime|time\\.h|random|thread|mutex|shared_mutex|atomic|stop_token|future|semaphore|latch|barrier|' +
    'condition_variable|filesystem|fstream|iostream|istream|ostream|sstream|cstdio|stdio\\.h|csignal|signal\\.h|' +
    'unistd\\.h|fcntl\\.h|pthread\\.h|dlfcn\\.h|poll\\.h|windows\\.h|sys/.*|linux/.*|netinet/.*|arpa/.*|locale|clocale)$',
)

const includeRules = [
  {
    rule: 'src/ knows nothing of bindings/ or Emscripten',
    fix: 'move what needs it to bindings/',
    broken: (file, name) => file.startsWith('src/') && /(^|\/)bindings\/|^emscripten|(^|\/)boundary\.h$/.test(name),
  },
  {
    rule: 'src/ knows no clock, thread, random source, stream or operating system',
    fix: 'take what it would tell you (the time, a seed) as an argument',
    broken: (file, name) => file.startsWith('src/') && outsideWorld.test(name),
  },
  {
    rule: 'only src/canonical.* includes nlohmann-json',
    fix: 'work on canonical bytes; JSON is the native twin of js/encode.ts only',
    broken: (file, name) => name.startsWith('nlohmann/') && /^(src|bindings)\//.test(file) && !/^src\/canonical\./.test(file),
  },
  {
    rule: 'only src/key.cpp includes OpenSSL',
    fix: 'call key_of(); the core itself carries no cryptography',
    broken: (file, name) => name.startsWith('openssl/') && /^(src|bindings)\//.test(file) && file !== 'src/key.cpp',
  },
  {
    rule: 'only src/seal.* includes xxHash',
    fix: 'use Sealer of src/seal.h',
    broken: (file, name) => /^xx(hash|h3)/.test(name) && /^(src|bindings)\//.test(file) && !/^src\/seal\./.test(file),
  },
  {
    rule: 'only src/dense_lz4.* includes LZ4',
    fix: 'use Dense of src/dense.h',
    broken: (file, name) => /^lz4/.test(name) && /^(src|bindings)\//.test(file) && !/^src\/dense_lz4\./.test(file),
  },
  {
    rule: 'only bindings/state.h includes dense.h, so that the core has no byte of it',
    fix: 'use Compression of src/compression.h',
    broken: (file, name) => basename(name) === 'dense.h' && /^(src|bindings)\//.test(file) && file !== 'src/dense.cpp' && file !== 'bindings/state.h',
  },
  {
    rule: 'bindings/ includes cache.h of src/, and dense.h, and nothing else of it',
    fix: 'reach it through cache.h',
    broken: (file, name, names) =>
      file.startsWith('bindings/') && names.has(basename(name)) && !['cache.h', 'dense.h', 'boundary.h'].includes(basename(name)),
  },
]

// ---- TypeScript: each rule looks at one import that exists at run time --------------------------

const importRules = [
  {
    rule: 'a call (js/call.ts, journey.ts, flights.ts) knows no storage, codec, runtime or core glue',
    fix: 'take it as a parameter; `import type` is fine',
    broken: ({ file, target }) =>
      /^js\/(call|journey|flights)\.ts$/.test(file) &&
      /^js\/(storage|runtimes|testing)\/|^js\/(encode|packed|value|value-cbor|cbor|core|create|glue)\.ts$|^#core/.test(target),
  },
  {
    rule: 'runtimes come to js/create.ts, which knows none of them',
    fix: 'put what differs between runtimes into Runtime (js/runtimes/runtime.ts), and call createCacheIn() in js/runtimes/',
    broken: ({ file, target }) =>
      (file === 'js/create.ts' && /^js\/(runtimes|testing)\/|^node:|^#core/.test(target)) ||
      (target === 'js/create.ts' && !file.startsWith('js/runtimes/')) ||
      (file.startsWith('js/runtimes/') && target.startsWith('js/') && !/^js\/(create|errors|index|is-a|options|fallback\/index)\.ts$|^js\/(storage|runtimes)\//.test(target)),
  },
  {
    rule: 'js/fallback/, the twin of the wasm, imports types, ../boundary.js and its siblings only',
    fix: '`import type`, or write it there: like C++ it is on the other side of the boundary',
    broken: ({ file, target }) => file.startsWith('js/fallback/') && target !== 'js/boundary.ts' && !target.startsWith('js/fallback/'),
  },
  {
    rule: 'only js/runtimes/ imports js/fallback/, when it is wanted',
    fix: 'take the core as a parameter',
    broken: ({ file, target }) => file.startsWith('js/') && !/^js\/(fallback|runtimes)\//.test(file) && target.startsWith('js/fallback/'),
  },
  {
    rule: 'js/testing/ imports types, ../units.js, ../is-a.js, ../storage/memory.js and its siblings only',
    fix: '`import type`, or take it as a parameter: a test has the cache from elsewhere',
    broken: ({ file, target }) =>
      file.startsWith('js/testing/') && !/^js\/(units|is-a|storage\/memory)\.ts$|^js\/testing\//.test(target),
  },
  {
    rule: 'nothing in js/ imports js/testing/, which is an entry of its own',
    fix: 'move what both need to a file of its own',
    broken: ({ file, target }) => file.startsWith('js/') && !file.startsWith('js/testing/') && target.startsWith('js/testing/'),
  },
  {
    rule: 'js/storage/ imports types, ../errors.js, ../is-a.js, ../units.js, ../header.js, ../sealed.js, its siblings and client libraries only',
    fix: '`import type`, or take it as a parameter',
    broken: ({ file, target }) =>
      file.startsWith('js/storage/') &&
      /^(js\/|build\/|#)/.test(target) &&
      !/^js\/(errors|is-a|units|header|sealed)\.ts$/.test(target) &&
      !target.startsWith('js/storage/'),
  },
  {
    rule: 'js/integrations/ imports types, ../errors.js, its siblings and client libraries only',
    fix: '`import type`, or take it as a parameter',
    broken: ({ file, target }) =>
      file.startsWith('js/integrations/') &&
      /^(js\/|build\/|#)/.test(target) &&
      target !== 'js/errors.ts' &&
      !target.startsWith('js/integrations/'),
  },
  {
    rule: 'only js/core.ts and js/runtimes/ know the core glue and the wasm',
    fix: 'take the core as a parameter',
    broken: ({ file, target }) =>
      file.startsWith('js/') &&
      /^#core|\/core(-dense)?\.wasm|^js\/glue\.ts$/.test(target) &&
      file !== 'js/core.ts' &&
      !file.startsWith('js/runtimes/'),
  },
  {
    rule: 'js/ knows Node in js/runtimes/node.ts, js/storage/ and js/cli/ only',
    fix: 'use what every runtime has, or take it from the runtime',
    broken: ({ file, target }) =>
      target.startsWith('node:') && file.startsWith('js/') && !/^js\/(runtimes\/node\.ts$|storage\/|cli\/)/.test(file),
  },
  {
    rule: 'js/ does not import tests, demos or scripts',
    fix: 'move what it needs into js/',
    broken: ({ file, target }) => file.startsWith('js/') && /^(tests|demo|web-demo|scripts)\//.test(target),
  },
  {
    rule: "web-demo/ imports 'reprise' and demo/ only, as a user would",
    fix: "import it from 'reprise', or export it there",
    broken: ({ file, target }) =>
      file.startsWith('web-demo/') && !/^reprise(\/|$)|^(demo|web-demo)\//.test(target) && !/^web-demo\/vite/.test(file),
  },
  {
    rule: "demo/ imports 'reprise', never js/ itself",
    fix: "import it from 'reprise', or export it there",
    broken: ({ file, target }) => file.startsWith('demo/') && /^(js|build|dist)\//.test(target),
  },
]

/** @returns {string[]} one text for each violation */
export function violations() {
  return [...includeViolations(), ...importViolations()]
}

function includeViolations() {
  const files = [...filesBelow('src', '.h', '.cpp'), ...filesBelow('bindings', '.h', '.cpp')]
  const coreHeaders = new Set(files.filter((file) => /^src\/.*\.h$/.test(file)).map((file) => basename(file)))
  const found = []
  for (const file of files) {
    read(file).split('\n').forEach((text, index) => {
      const name = /^\s*#\s*include\s*[<"]([^>"]+)[>"]/.exec(text)?.[1]
      if (name === undefined) return
      for (const { rule, fix, broken } of includeRules) {
        if (broken(file, name, coreHeaders)) found.push(`${file}:${index + 1}: ${rule}; it includes ${name}. To do: ${fix}.`)
      }
    })
  }
  return found
}

function importViolations() {
  const files = ['js', 'demo', 'web-demo'].flatMap((folder) => filesBelow(folder, '.ts', '.tsx', '.mts'))
  const found = []
  for (const file of files) {
    for (const { line, specifier } of runtimeImports(read(file))) {
      const target = resolveFrom(file, specifier)
      for (const { rule, fix, broken } of importRules) {
        if (broken({ file, target })) found.push(`${file}:${line}: ${rule}; it imports ${specifier}. To do: ${fix}.`)
      }
    }
  }
  return found
}

/** Every import, export-from and import() of a file, without those that are types alone. */
function runtimeImports(text) {
  const code = withoutComments(text)
  const patterns = [
    /(?:^|[\n;])\s*(?:import|export)\s+(?!type[\s{*])(?:[\w$*\s{},]+?\s+from\s+)?(['"])([^'"\n]+)\1/g,
    /\bimport\s*\(\s*(['"])([^'"\n]+)\1/g,
  ]
  return patterns.flatMap((pattern) =>
    [...code.matchAll(pattern)].map((match) => ({
      specifier: match[2],
      line: code.slice(0, match.index + match[0].length).split('\n').length,
    })),
  )
}

/** Blanks comments, so that a commented import does not count; lines stay where they are. */
function withoutComments(text) {
  return text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, (comment) => comment.replace(/[^\n]/g, ' '))
}

/** './x.js' in js/storage/redis.ts is js/storage/x.ts; other names stay as they are. */
function resolveFrom(file, specifier) {
  if (!specifier.startsWith('.')) return specifier
  return posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts')
}

function read(file) {
  return readFileSync(join(root, file), 'utf8')
}

if (isMain(import.meta.url)) {
  const found = violations()
  for (const violation of found) console.error(violation)
  process.exitCode = found.length > 0 ? 1 : 0
}
