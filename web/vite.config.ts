import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

/** Where the API is while developing; `make dev` sets it. */
const server = process.env['VIGIE_URL'] ?? 'http://127.0.0.1:8642';

export default defineConfig({
  plugins: [svelte()],
  // The server puts a fresh nonce into every page; styles and scripts that pages load later carry it too.
  html: { cspNonce: '__CSP_NONCE__' },
  build: { target: 'es2023', assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false },
  server: { proxy: { '/api': { target: server, ws: true }, '/health': server } },
  test: { include: ['src/**/*.test.ts', 'tests/**/*.test.ts'], environment: 'node' },
});
