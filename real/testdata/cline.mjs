// What Cline's program and extensions do with a server, by the library that
// they are made of: its path, the settings file, what to do, the server.
import { createInterface } from "node:readline";

const [core, filePath, act, serverName] = process.argv.slice(2);
const cline = await import(core);

if (act === "sign-in") {
  await cline.authorizeMcpServerOAuth({ serverName, filePath, openUrl: (url) => void fetch(url) });
}

if (act === "connect") {
  const { connected, error } = await cline.probeMcpServerConnection({ serverName, filePath });
  if (!connected) throw new Error(error);
}

// One connection, and a call of the tool for each line.
if (act === "session") {
  const make = cline.createDefaultMcpServerClientFactory({ settingsPath: filePath });
  const client = await make(cline.resolveMcpServerRegistration(serverName, { filePath }));
  for await (const _ of createInterface({ input: process.stdin })) {
    await client.callTool({ name: "ping" });
    console.log("{}");
  }
}

// Each write of its own is under its lock. Cline gives up with ENOTEMPTY, having
// written nothing, where another process lets go of the lock between its rename
// and its look at why that failed (@cline/core 0.0.86, whoever the other is).
if (act === "write") {
  for (let i = 0; i < 50; ) {
    try {
      await cline.updateMcpSettingsFile(filePath, (settings) => {
        settings.mcpServers[serverName].count = (settings.mcpServers[serverName].count ?? 0) + 1;
      }, { timeoutMs: 60000 });
      i++;
    } catch (err) {
      if (err.code !== "ENOTEMPTY") throw err;
    }
  }
}

process.exit(0);
