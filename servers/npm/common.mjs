// What both servers need: their settings, a file that holds what they know, and
// a place to listen at. The first line that a server prints is its address.
//
// ISSUER is the origin under which the server is reached, LISTEN the address
// where it listens, STATE its file, ACCESS_SECONDS how long an access token
// lives.

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

export const issuer = process.env.ISSUER;
export const accessSeconds = Number(process.env.ACCESS_SECONDS);
export const resource = `${issuer}/mcp`;
export const scopes = ['mcp:read', 'mcp:write', 'offline_access'];

// Shelf is a map in a file: each change is in the file before it returns.
class Shelf {
  #all;

  constructor() {
    try {
      this.#all = new Map(JSON.parse(readFileSync(process.env.STATE, 'utf8')));
    } catch (err) {
      if (err.code !== 'ENOENT') throw err;
      this.#all = new Map();
    }
  }

  get(key) {
    const found = this.#all.get(key);
    return found && (found.ends ?? Infinity) > Date.now() ? structuredClone(found.value) : undefined;
  }

  // The value is gone after so many seconds, if they are given.
  set(key, value, seconds) {
    this.#all.set(key, { value: structuredClone(value), ends: seconds ? Date.now() + seconds * 1000 : undefined });
    this.#save();
  }

  delete(...keys) {
    for (const key of keys) this.#all.delete(key);
    this.#save();
  }

  keys(prefix) {
    return [...this.#all.keys()].filter((key) => key.startsWith(prefix) && this.get(key) !== undefined).sort();
  }

  #save() {
    const name = process.env.STATE;
    writeFileSync(`${name}.new`, JSON.stringify([...this.#all]), { mode: 0o600 });
    renameSync(`${name}.new`, name);
  }
}

export const shelf = new Shelf();

export function listen(handle) {
  const server = createServer((req, res) => {
    Promise.resolve(handle(req, res)).catch((err) => {
      console.error(err);
      res.destroy();
    });
  });
  const [host, port] = process.env.LISTEN.split(':');
  server.listen(Number(port), host, () => console.log(`127.0.0.1:${server.address().port}`));
}

export function answer(res, status, value, headers = {}) {
  res.writeHead(status, { 'content-type': 'application/json', ...headers });
  res.end(JSON.stringify(value));
}
