// A Bluesky server (PDS) for tests, on this machine alone: node pds.mjs FOLDER, where FOLDER is what .ci/install-pds made.
// Prints {"port": ...} when it is ready and ends, with all that it kept, when its standard input closes.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

// The packages bind every interface; nobody else may reach a server whose accounts are made without asking.
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, typeof port === 'number' ? { port, host: '127.0.0.1' } : port, ...rest)
}

const kept = mkdtempSync(join(tmpdir(), 'pds-'))
process.on('exit', () => rmSync(kept, { recursive: true, force: true }))
process.stdin.on('end', () => process.exit(0)).on('error', () => process.exit(0)).resume()

process.env.LOG_ENABLED ??= 'false'
const load = createRequire(join(resolve(process.argv[2]), 'index.js'))
const { PDS, envToCfg, envToSecrets } = load('@atproto/pds')
const { PlcServer, Database } = load('@did-plc/server')

const plc = PlcServer.create({ db: Database.mock(), port: 0 })
const directory = await plc.start()

const env = {
  port: 0,
  hostname: 'localhost',
  devMode: true,
  dataDirectory: kept,
  blobstoreDiskLocation: join(kept, 'blobs'),
  blobstoreDiskTmpLocation: join(kept, 'blobs-under-way'),
  didPlcUrl: `http://127.0.0.1:${directory.address().port}`,
  serviceHandleDomains: ['.test'],
  inviteRequired: false,
  jwtSecret: randomBytes(16).toString('hex'),
  adminPassword: randomBytes(16).toString('hex'),
  plcRotationKeyK256PrivateKeyHex: randomBytes(32).toString('hex'),
}
const pds = await PDS.create(envToCfg(env), envToSecrets(env))
const server = await pds.start()
console.log(JSON.stringify({ port: server.address().port }))
