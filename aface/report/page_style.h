#pragma once

namespace aface {

// The style sheet of a report. Series colours are Okabe and Ito's palette ("Color Universal Design", 2008),
// darker on white and lighter on black where the original has too little contrast; class sizes have steps of
// matplotlib's plasma map, which keep their order in grey.
inline constexpr const char* kPageStyle = R"(
:root{color-scheme:light dark;--page:#fff;--panel:#f6f7f9;--ink:#1b2026;--soft:#59636e;--rule:#dde2e8;--link:#0b62a8;
--s0:#0072b2;--s1:#d55e00;--s2:#009e73;--s3:#b0528a;--s4:#a87900;--s5:#3f9fd0;--s6:#6a4fb3;--s7:#6b7480;
--b0:#0d0887;--b1:#7e03a8;--b2:#cc4778;--b3:#e8743b;--b4:#c99700}
@media(prefers-color-scheme:dark){:root{--page:#14171b;--panel:#1c2025;--ink:#e7eaee;--soft:#9aa5b1;--rule:#323a43;
--link:#7cc0f5;--s0:#56b4e9;--s1:#f28a3c;--s2:#35c79e;--s3:#e39cc4;--s4:#e6c14a;--s5:#a5d8f5;--s6:#b9a5f2;--s7:#aab3bd;
--b0:#8f6bf0;--b1:#c85fd0;--b2:#f0719a;--b3:#fca55c;--b4:#f0e442}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:20px 24px 48px;max-width:1280px;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
h1{font-size:26px;line-height:1.2;margin:0 0 8px}
h2{font-size:20px;margin:0 0 8px;padding-top:20px;border-top:1px solid var(--rule)}
h3{font-size:15px;margin:0;font-weight:600;overflow-wrap:anywhere}
h3 span{font-weight:400;color:var(--soft)}
section{margin-top:28px}
section>h3{margin-top:18px}
p{margin:4px 0 10px;color:var(--soft);max-width:75ch}
a{color:var(--link)}
nav{display:flex;flex-wrap:wrap;gap:4px 16px;margin-top:12px}
.inputs{list-style:none;margin:0;padding:0;display:grid;gap:2px}
.inputs li,.path{overflow-wrap:anywhere}
.inputs small,small{color:var(--soft);font-size:13px}
.key{display:inline-block;width:18px;height:0;border-top:3px solid var(--c);border-radius:2px;margin-right:6px;vertical-align:4px}
.key.dashed{border-top-style:dashed;border-radius:0}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,350px),1fr));gap:16px}
.charts.two{grid-template-columns:repeat(auto-fill,minmax(min(100%,460px),1fr))}
figure{margin:0;padding:12px;background:var(--panel);border-radius:8px;display:flex;flex-direction:column;min-width:0}
figure p{font-size:13px;line-height:1.35;margin:2px 0 0}
figure>svg{width:100%;max-width:440px;align-self:center;height:auto;margin-top:auto;padding-top:8px;display:block}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:0 14px;margin:4px 0 0;padding:0;font-size:13px;color:var(--soft)}
.legend li{overflow-wrap:anywhere}
.legend b{color:var(--ink);font-weight:600;font-variant-numeric:tabular-nums}
svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;fill:var(--soft);font-variant-numeric:tabular-nums}
svg .name{fill:var(--ink)}
.grid{stroke:var(--rule);stroke-width:1;fill:none}
.foot{stroke:var(--soft);stroke-width:1;fill:none}
.line{stroke:var(--c);stroke-width:2;fill:none;stroke-linejoin:round;stroke-linecap:round}
.line.dashed{stroke-width:1.5;stroke-dasharray:5 4;stroke-linecap:butt}
.area{fill:var(--c);fill-opacity:.22;stroke:none}
.dots{stroke:var(--c);stroke-width:3;stroke-opacity:.55;stroke-linecap:round;fill:none}
.dot{fill:var(--c)}
.scroll{overflow-x:auto;margin-bottom:14px}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{text-align:left;vertical-align:top;padding:5px 18px 5px 0;border-bottom:1px solid var(--rule);overflow-wrap:anywhere}
td{min-width:110px;max-width:360px}
td small{display:block}
data{white-space:nowrap}
thead th{font-weight:600;vertical-align:bottom}
tbody th{font-weight:400;color:var(--soft);min-width:120px;max-width:260px;position:sticky;left:0;background:var(--page)}
details>summary{cursor:pointer;color:var(--link);margin:6px 0}
.cards{list-style:none;margin:8px 0 0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,252px),1fr));gap:12px}
.card{background:var(--panel);border-radius:8px;padding:10px;display:flex;flex-direction:column;min-width:0;font-size:13px}
.pictures{display:flex;gap:6px;align-items:flex-start;margin-bottom:6px}
.pictures img{border-radius:4px;display:block;max-width:calc(50% - 3px);height:auto}
.companions{display:flex;flex-wrap:wrap;gap:4px;min-width:0}
.companions img{max-width:56px}
.missing{flex:0 1 112px;min-width:0;height:112px;border:1px dashed var(--soft);border-radius:4px;padding:6px;font-size:11px;line-height:1.25;
color:var(--soft);overflow:hidden;overflow-wrap:anywhere}
.card .path{color:var(--soft);font-size:12px;line-height:1.35}
.facts{list-style:none;display:flex;flex-wrap:wrap;gap:0 12px;margin:4px 0 0;padding:0;color:var(--soft)}
.facts b{color:var(--ink);font-weight:600}
@media(max-width:600px){body{padding:14px 14px 40px}h1{font-size:22px}figure{padding:10px}
.cards{grid-template-columns:repeat(2,minmax(0,1fr));gap:8px}.card{padding:8px}.companions img{max-width:34px}.missing{height:76px}
th,td{padding-right:12px}tbody th{max-width:130px;min-width:96px}td{min-width:96px}}
@media print{figure,.card{break-inside:avoid}}
)";

}  // namespace aface
