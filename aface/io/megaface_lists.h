#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace aface {

// A list of MegaFace's devkit: a JSON object with "path", and for probes "id" (text or whole numbers), arrays
// of one length. Other entries are passed over.
struct MegafaceList {
  std::vector<std::string> paths;
  std::vector<std::string> ids;  // empty when the list has none
};

// Throws Error{kIo}, or Error{kFormat} when the text is no JSON (with the place), "path" is missing or empty,
// "id" has another length, or a path is listed twice.
MegafaceList read_megaface_list(const std::string& path);

// Lists of known noise, one image a line, as insightface publishes them: '#' begins a comment, and of a line
// with a tab the second field counts. Images are named by the end of their path.
struct MegafaceNoise {
  std::vector<std::string> probes;       // facescrub_noises.txt
  std::vector<std::string> distractors;  // megaface_noises.txt
};
// Throws Error{kIo} when the folder lacks one of the two files.
MegafaceNoise read_megaface_noise(const std::string& folder);

// flags[i] = 1: path i ends, by whole components, with one of the noise names. Each name may mark several
// paths.
std::vector<std::uint8_t> mark_noise(const std::vector<std::string>& paths,
                                     const std::vector<std::string>& noise);

}  // namespace aface
