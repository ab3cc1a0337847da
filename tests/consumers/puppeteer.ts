/** What this folder has installed, for tests elsewhere: a package is looked for from where it is named. */
export { default as puppeteer } from 'puppeteer-core'
