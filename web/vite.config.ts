import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// The binary serves the two pages at `/`, `/shop/...` and `/admin/...`, everything else below /web/.
export default defineConfig({
  base: '/web/',
  plugins: [react()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // The policy allows no script or font from data: addresses.
    modulePreload: { polyfill: false },
    rollupOptions: { input: ['shop.html', 'admin.html'] },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8080', '/health': 'http://127.0.0.1:8080' } },
});
