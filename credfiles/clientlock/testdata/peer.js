// The other side of the end-to-end tests: locks by proper-lockfile.
//   node peer.js hold  LOCK STALE              says "locked", keeps it until stdin ends
//   node peer.js try   LOCK STALE RETRIES      exits with 3 if another has it
//   node peer.js count LOCK STALE COUNTER N    adds one N times, losing counts if two do it at once
const fs = require('fs');
const { lock } = require('proper-lockfile');

const [act, path, stale, ...rest] = process.argv.slice(2);
const take = (retries) => lock(path, {
  lockfilePath: path,
  realpath: false,
  stale: Number(stale),
  update: 1000,
  retries: { retries, factor: 1, minTimeout: 5, maxTimeout: 250 },
});

async function main() {
  if (act === 'hold') {
    const release = await take(0);
    console.log('locked');
    process.stdin.resume();
    await new Promise((done) => process.stdin.on('end', done));
    await release();
  } else if (act === 'try') {
    await (await take(Number(rest[0])))();
  } else {
    const [counter, times] = rest;
    for (let i = 0; i < Number(times); i++) {
      const release = await take(100000);
      const n = Number(fs.readFileSync(counter, 'utf8'));
      fs.writeFileSync(counter, String(n + 1));
      await release();
    }
  }
}

main().catch((err) => {
  console.error(err.message);
  process.exit(err.code === 'ELOCKED' ? 3 : 1);
});
