#pragma once

namespace aface {

inline constexpr const char* kIntroduction =
    R"(AdaptiveFace trains face recognisers on long-tailed data: one learnt margin per identity, hard-prototype mining,
adaptive sampling, and the evaluation protocols of the field. Results go to stdout or to named files, progress and
warnings to stderr.)";

inline constexpr const char* kFooter =
    R"(Examples:
  adaptiveface train --config configs/demo.toml --run-dir runs/demo
  adaptiveface config --config configs/demo.toml --set head.kind=cosface
  adaptiveface COMMAND --help          what a command takes

Exit codes: 0 done; 2 wrong flag or option; 3 file missing, unreadable, damaged or not fitting;
  4 training diverged; 70 a bug of ours; 71 out of memory; 128+N stopped by signal N.)";

}  // namespace aface
