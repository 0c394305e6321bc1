/**
 * What bench/providers.ts compiles: finds the credentials of every provider and the models of every role once, in a
 * process that has done neither before, and prints the milliseconds. Whoever touches the network ends it.
 */
import { loadConfig } from "../src/base/config.ts";
import { readEnv } from "../src/base/env.ts";
import { resolvePaths } from "../src/base/paths.ts";
import { sleep } from "../src/base/stream.ts";
import { createDiscovery } from "../src/credentials/discover.ts";
import { createProviders } from "../src/providers/index.ts";

const env = readEnv();
const paths = resolvePaths(env);
const clock = { now: () => Date.now(), sleep };
const workspace = process.cwd();
const { config } = await loadConfig({ paths, env, projectDir: workspace, trust: async () => false });
globalThis.fetch = Object.assign(() => process.exit(3), { preconnect: () => process.exit(3) });

const started = performance.now();
const discover = createDiscovery({ env, paths, clock });
const providers = createProviders({ config, env, paths, clock, workspace, discover, lists: `${paths.cache}/models` });
const { executor } = await providers.resolveAll();
const secrets = await providers.secrets();
const ms = performance.now() - started;
console.log(JSON.stringify({ ms, model: executor.info.ref, secrets: secrets.length }));
