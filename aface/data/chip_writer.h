#pragma once

#include <cstdint>
#include <string>

namespace aface {

struct AlignOptions {
  std::string images;                 // folder of the photos
  std::string landmarks;              // list of five points per photo, see io/landmark_list.h
  std::string out;                    // folder of the chips; must not be the folder of the photos
  int size_px = 112;                  // side of the chips, 16..1024
  std::string format = "jpg";         // jpg | png
  int quality = 95;                   // jpg: 1..100
  std::string on_bad_image = "fail";  // skip: leave out photos that are missing, unreadable or have unusable
                                      // landmarks, warn and count them; fail: stop at the first
  // --- affects speed only
  int threads = 0;  // 0: all cores
};

struct AlignReport {
  std::int64_t written = 0;
  std::int64_t bad = 0;
  double seconds = 0;
};

// Cuts one face chip out of every listed photo and writes it under the same relative path below `out`, with
// the extension of the format. Each chip appears whole or not at all; a second run writes the same bytes.
// Throws Error: kUsage for options, kIo and kFormat for the list, kData when two rows would give one chip,
// when a photo is missing (under fail, before anything is written) or when no row gave a chip; Stopped on a
// signal.
AlignReport align_photos(const AlignOptions& options);

}  // namespace aface
