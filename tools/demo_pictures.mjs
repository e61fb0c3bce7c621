#!/usr/bin/env node
// Draws the pictures of the demo's products: node tools/demo_pictures.mjs [folder]
//
// They are drawn here, as SVG, and made JPEG by Chromium (playwright-core of tests/browser); the results are kept in
// src/apps/commands/pictures, since a build needs no browser.
import { existsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = process.argv[2] ?? path.join(root, 'src/apps/commands/pictures');
const size = 900;
const range = (count) => Array.from({ length: count }, (_, index) => index);

// --- a shoe, in two moods ------------------------------------------------------------------------------------

function shoe({ upper, panel, toe, heel, sole, tread, lace, mark, lining }) {
  const eyelets = [[452, 372], [492, 396], [532, 420], [572, 444], [612, 466]];
  return `
    <ellipse cx="470" cy="706" rx="370" ry="26" fill="#000" opacity=".22"/>
    <path d="M120 640C112 690 150 704 210 704H800C846 704 868 684 862 640L846 600H140Z" fill="${sole}"/>
    <path d="M126 664C124 694 160 704 210 704H800C834 704 856 692 861 664Z" fill="${tread}"/>
    ${range(15).map((i) => `<path d="M${176 + i * 44} 704l10 -22h14l-10 22z" fill="${sole}" opacity=".5"/>`).join('')}
    <path d="M146 612C138 540 150 420 176 352C186 326 214 320 238 336C276 362 322 366 362 344C384 332 406 322 424 334C470 366
      560 424 640 462C724 500 812 520 842 578C850 596 850 606 846 616H146Z" fill="${upper}"/>
    <path d="M640 462C724 500 812 520 842 578C850 596 850 606 846 616H648C640 560 690 520 640 462Z" fill="${toe}"/>
    <path d="M146 612C138 540 150 420 176 352C186 326 214 320 238 336L262 350C232 432 226 540 250 616H146Z" fill="${heel}"/>
    <path d="M238 336C276 362 322 366 362 344C384 332 406 322 424 334L446 350C416 380 360 404 306 396C276 392 256 372 238 336Z" fill="${lining}"/>
    <path d="M296 616C300 540 360 486 450 480C540 474 600 520 604 616Z" fill="${panel}"/>
    <path d="M300 566C390 588 500 560 596 486L612 500C520 600 400 626 296 604Z" fill="${mark}"/>
    ${eyelets.map(([x, y]) => `<path d="M${x - 30} ${y + 34}L${x + 26} ${y - 26}" stroke="${lace}" stroke-width="13" stroke-linecap="round"/>
      <circle cx="${x - 30}" cy="${y + 34}" r="7" fill="${tread}"/>`).join('')}
    <path d="M140 606H848C850 620 846 632 838 636H150C142 630 140 620 140 606Z" fill="${tread}" opacity=".9"/>`;
}

const aurora = `
  <defs>
    <linearGradient id="sky" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#0b1437"/><stop offset=".62" stop-color="#16336b"/><stop offset="1" stop-color="#1f5a78"/></linearGradient>
    ${['#5ef2b4', '#8df0ff', '#b48cff'].map((colour, i) => `<linearGradient id="light${i}" x1="0" y1="0" x2="0" y2="1">
      <stop offset="0" stop-color="${colour}" stop-opacity="0"/><stop offset=".55" stop-color="${colour}" stop-opacity=".62"/><stop offset="1" stop-color="${colour}" stop-opacity="0"/></linearGradient>`).join('')}
  </defs>
  <rect width="900" height="900" fill="url(#sky)"/>
  ${range(46).map((i) => `<circle cx="${(i * 211) % 900}" cy="${(i * 97) % 520}" r="${1 + (i % 3) * 0.7}" fill="#fff" opacity="${0.35 + (i % 4) * 0.15}"/>`).join('')}
  <path d="M-20 90C160 20 260 190 430 120S720 10 920 110V470C740 350 640 480 450 420S160 380 -20 480Z" fill="url(#light0)"/>
  <path d="M-20 30C200 140 300 40 470 60S760 160 920 40V360C740 300 620 380 470 330S140 300 -20 380Z" fill="url(#light1)" opacity=".8"/>
  <path d="M-20 150C140 60 380 110 520 50S780 150 920 90V330C780 250 660 330 520 280S160 250 -20 340Z" fill="url(#light2)" opacity=".7"/>
  <path d="M0 760L150 660 300 740 470 640 640 740 780 670 900 740V900H0Z" fill="#0a1b3d"/>
  <rect y="700" width="900" height="200" fill="#0d1830"/>
  ${shoe({ upper: '#f4f7fb', panel: '#dfe9f5', toe: '#ffffff', heel: '#5ef2b4', sole: '#ffffff', tread: '#20386f', lace: '#20386f', mark: '#2f5bea', lining: '#16336b' })}`;

const midnight = `
  <defs><radialGradient id="moonlight" cx=".66" cy=".3" r=".8"><stop offset="0" stop-color="#3a2f73"/><stop offset=".5" stop-color="#1d1842"/><stop offset="1" stop-color="#0c0a1f"/></radialGradient></defs>
  <rect width="900" height="900" fill="url(#moonlight)"/>
  <circle cx="610" cy="280" r="190" fill="#ffe9b0"/><circle cx="560" cy="240" r="34" fill="#f3d68c"/><circle cx="680" cy="330" r="48" fill="#f3d68c"/><circle cx="640" cy="200" r="20" fill="#f3d68c"/>
  ${range(30).map((i) => `<circle cx="${(i * 173 + 40) % 900}" cy="${(i * 131) % 560}" r="${1.2 + (i % 3)}" fill="#ffe9b0" opacity="${0.3 + (i % 4) * 0.15}"/>`).join('')}
  ${range(11).map((i) => `<rect x="${i * 86 - 10}" y="${560 - ((i * 67) % 150)}" width="72" height="400" fill="#0f0c28"/>${range(5).map((j) =>
    ((i * 5 + j * 3) % 4 === 0 ? `<rect x="${i * 86 + 6}" y="${590 - ((i * 67) % 150) + j * 34}" width="14" height="18" fill="#ffcf33" opacity=".75"/>` : '')).join('')}`).join('')}
  <rect y="700" width="900" height="200" fill="#080716"/>
  ${shoe({ upper: '#5146b0', panel: '#6558c8', toe: '#7a6de0', heel: '#ffcf33', sole: '#f1ecff', tread: '#0c0a1f', lace: '#ffcf33', mark: '#ff7a59', lining: '#0c0a1f' })}`;

// --- a concert -------------------------------------------------------------------------------------------------

const strings = `
  <defs>
    <linearGradient id="hall" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#2b0b2f"/><stop offset="1" stop-color="#6d1436"/></linearGradient>
    <linearGradient id="beam" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#ffd9a8" stop-opacity=".75"/><stop offset="1" stop-color="#ffd9a8" stop-opacity="0"/></linearGradient>
    <linearGradient id="wood" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="#e98a3f"/><stop offset="1" stop-color="#9c3f1c"/></linearGradient>
  </defs>
  <rect width="900" height="900" fill="url(#hall)"/>
  ${[[120, -24], [330, -9], [570, 9], [780, 24]].map(([x, turn]) => `<path d="M${x - 16} -20H${x + 16}L${x + 150} 900H${x - 150}Z" fill="url(#beam)" opacity=".55" transform="rotate(${-turn} ${x} -20)"/>`).join('')}
  <g transform="rotate(24 450 450)">
    <path d="M450 250C540 250 590 300 580 372C574 414 532 428 532 470C532 512 600 540 602 636C604 742 536 800 450 800S296 742 298 636C300 540 368 512 368 470C368 428 326 414 320 372C310 300 360 250 450 250Z" fill="url(#wood)" stroke="#5a2010" stroke-width="8"/>
    <path d="M404 470c-18 30 -18 90 -2 124M496 470c18 30 18 90 2 124" fill="none" stroke="#3a130a" stroke-width="10" stroke-linecap="round"/>
    <path d="M428 10H472L478 560H422Z" fill="#2a0f0a"/>
    <path d="M424 -60H476V20H424Z" fill="#5a2010"/>
    ${[[-44, -40], [44, -22], [-44, -4], [44, 12]].map(([dx, y]) => `<rect x="${450 + dx - 16}" y="${y - 6}" width="32" height="12" rx="6" fill="#3a130a"/>`).join('')}
    <path d="M392 612H508L498 632H402Z" fill="#3a130a"/>
    <path d="M424 720H476L468 640H432Z" fill="#2a0f0a"/>
    ${range(4).map((i) => `<path d="M${434 + i * 11} 0L${428 + i * 15} 720" stroke="#ffe9d0" stroke-width="2.4"/>`).join('')}
  </g>
  <path d="M86 792L842 190" stroke="#f6e7d6" stroke-width="7" stroke-linecap="round"/><path d="M96 806L852 204" stroke="#e8c9a6" stroke-width="3"/>
  ${range(17).map((i) => { const x = i * 58 - 16; const y = 812 + ((i * 37) % 44); return `<circle cx="${x}" cy="${y}" r="32" fill="#1a0618"/><rect x="${x - 46}" y="${y + 24}" width="92" height="120" rx="40" fill="#1a0618"/>`; }).join('')}
  ${[130, 420, 690].map((x, i) => `<path d="M${x} 850L${x + (i - 1) * 26} 742" stroke="#1a0618" stroke-width="20" stroke-linecap="round"/>`).join('')}`;

// --- a cup, a bag ----------------------------------------------------------------------------------------------

const coffee = `
  <rect width="900" height="900" fill="#f2dcc0"/>
  <circle cx="450" cy="470" r="350" fill="#f7b58a"/>
  <ellipse cx="450" cy="740" rx="300" ry="46" fill="#7a3f25" opacity=".28"/>
  <ellipse cx="450" cy="718" rx="290" ry="44" fill="#fff8ef"/><ellipse cx="450" cy="708" rx="250" ry="32" fill="#ead9c6"/>
  <path d="M664 450C760 430 800 500 760 560C728 606 668 610 630 606L640 570C672 574 712 568 730 536C748 500 716 480 660 490Z" fill="#fff8ef"/>
  <path d="M232 420H668C672 560 640 690 560 712H340C260 690 228 560 232 420Z" fill="#fff8ef"/>
  <path d="M232 420H330C326 560 350 690 400 712H340C260 690 228 560 232 420Z" fill="#ead9c6"/>
  <ellipse cx="450" cy="420" rx="218" ry="54" fill="#ead9c6"/><ellipse cx="450" cy="424" rx="194" ry="44" fill="#5a2d1a"/>
  <path d="M450 462C402 440 372 424 386 406C398 392 430 398 450 414C470 398 502 392 514 406C528 424 498 440 450 462Z" fill="#e9c49a"/>
  ${[[360, 0], [450, 30], [540, 0]].map(([x, up]) => `<path d="M${x} ${340 - up}C${x - 44} ${290 - up} ${x + 44} ${250 - up} ${x} ${196 - up}S${x + 30} ${120 - up} ${x - 6} ${84 - up}" fill="none" stroke="#fff8ef" stroke-width="18" stroke-linecap="round" opacity=".85"/>`).join('')}
  <g transform="rotate(-9 650 770)"><path d="M520 716H790V744a22 22 0 0 0 0 44V816H520V788a22 22 0 0 0 0 -44Z" fill="#ffcf33"/><path d="M726 716V816" stroke="#14171a" stroke-width="4" stroke-dasharray="9 8"/>
    <text x="622" y="785" font-family="Archivo,Helvetica,Arial,sans-serif" font-weight="800" font-size="52" text-anchor="middle" fill="#14171a">1 / 100</text></g>`;

const bag = `
  <rect width="900" height="900" fill="#0e5c46"/>
  <path d="M0 620H900V900H0Z" fill="#0b4b39"/>
  ${range(7).map((i) => `<circle cx="${70 + i * 130}" cy="${120 + ((i * 71) % 90)}" r="${18 + (i % 3) * 8}" fill="#f7b3c4" opacity="${0.18 + (i % 3) * 0.08}"/>`).join('')}
  <ellipse cx="450" cy="800" rx="300" ry="30" fill="#000" opacity=".22"/>
  <path d="M330 350C330 130 400 90 450 90S570 130 570 350" fill="none" stroke="#d9c7a3" stroke-width="34"/>
  <path d="M206 320H694L736 800H164Z" fill="#f4ead6"/>
  <path d="M206 320H694L698 372H202Z" fill="#e4d5b7"/>
  <path d="M206 320H300C276 480 268 640 280 800H164Z" fill="#e9dcc3"/>
  <path d="M312 350C312 140 390 116 450 116S588 140 588 350" fill="none" stroke="#efe2c8" stroke-width="34"/>
  ${[[295, 340], [571, 340]].map(([x, y]) => `<rect x="${x}" y="${y}" width="34" height="66" fill="#d9c7a3"/><path d="M${x + 6} ${y + 12}L${x + 28} ${y + 54}M${x + 28} ${y + 12}L${x + 6} ${y + 54}" stroke="#9c8454" stroke-width="4"/>`).join('')}
  <g transform="translate(450 584)"><path d="M-150 -84H150V-34a34 34 0 0 0 0 68V84H-150V34a34 34 0 0 0 0 -68Z" fill="#ffcf33"/>
    <path d="M78 -84V84" stroke="#14171a" stroke-width="5" stroke-dasharray="11 9"/>
    <text x="-36" y="24" font-family="Archivo,Helvetica,Arial,sans-serif" font-weight="900" font-size="66" text-anchor="middle" fill="#14171a">No. 1</text></g>`;

const pictures = { aurora, midnight, strings, coffee, bag };

const { chromium } = createRequire(path.join(root, 'tests/browser/package.json'))('playwright-core');
const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium'].find((each) => each && existsSync(each));
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
const page = await browser.newPage({ viewport: { width: size, height: size } });
for (const [name, drawn] of Object.entries(pictures)) {
  await page.setContent(`<style>body{margin:0}svg{display:block}</style>
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 900" width="${size}" height="${size}">${drawn}</svg>`);
  writeFileSync(path.join(folder, `${name}.jpg`), await page.screenshot({ type: 'jpeg', quality: 84 }));
}
await browser.close();
