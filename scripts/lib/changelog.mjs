// The changelog as a release sees it: sections that begin with `## `, the newest first. One of them, the first, is not
// released yet. It is called "## 0.2.0 (not released)", or "## Unreleased" while nobody knows the number, and becomes "## 0.2.0 (2026-11-23)".

import { StepError } from './process.mjs'

/** The section to be released: its version, if its heading has one, and what it says. Throws if there is none, or nothing in it. */
export function unreleased(changelog) {
  const { heading, notes } = sections(changelog)[0] ?? {}
  const version = /^(\S+) \(not released\)$/.exec(heading ?? '')?.[1]
  if (version === undefined && !/^\[?unreleased\]?$/i.test(heading ?? '')) {
    throw new StepError(
      `CHANGELOG.md does not begin with a section that is not released yet${heading ? `, but with "## ${heading}"` : ''}. ` +
        'Write what changed for users below a heading "## Unreleased", above all others.',
    )
  }
  if (notes === '') throw new StepError(`CHANGELOG.md says nothing below "## ${heading}". Write there what changed for users.`)
  return { version, heading, notes }
}

/** The changelog with its first section released as `version` on `date`. */
export function released(changelog, version, date) {
  const { heading } = unreleased(changelog)
  if (sections(changelog).some((section) => section.heading.startsWith(`${version} (2`))) {
    throw new StepError(`CHANGELOG.md has a section for ${version} already. Choose the next version.`)
  }
  return changelog.replace(`## ${heading}\n`, () => `## ${version} (${date})\n`)
}

/** Throws unless the first section is that of `version`, with a date and with notes. */
export function checkReleased(changelog, version) {
  const { heading = 'nothing', notes = '' } = sections(changelog)[0] ?? {}
  if (!new RegExp(`^${version.replaceAll('.', '\\.')} \\(\\d{4}-\\d\\d-\\d\\d\\)$`).test(heading) || notes === '') {
    throw new StepError(
      `The first section of CHANGELOG.md should be that of ${version} with a date and notes, and is "${heading}". ` +
        'A tag is set on the commit that `npm run release -- --write` prepares: docs/releasing.md.',
    )
  }
}

function sections(changelog) {
  const [, ...parts] = `\n${changelog.replaceAll('\r', '')}`.split('\n## ')
  return parts.map((part) => {
    const [heading, ...lines] = part.split('\n')
    return { heading: heading.trim(), notes: lines.join('\n').trim() }
  })
}
