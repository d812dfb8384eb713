#pragma once

#include <cstdint>
#include <string>

#include "aface/detect/face_detector.h"

namespace aface {

struct AlignOptions {
  std::string images;  // the photos, see data/photo_input.h
  std::string list;    // of those photos to take, or ""
  // Where the faces are: one of the two.
  std::string landmarks;  // list of five points a photo, see io/landmark_list.h, whose photos are the input
  std::string detector;   // file of a YuNet network
  DetectorOptions detect;
  std::string many = "largest";       // with a detector: see detect/face_choice.h
  std::string none = "skip";          // with a detector: skip | fail | centre-crop, for photos without a face
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
  std::int64_t photos = 0;
  std::int64_t written = 0;   // chips
  std::int64_t left_out = 0;  // photos that gave none
  double seconds = 0;
};

// Cuts the faces out of photos and writes them as chips under the same relative paths below `out`, with the
// extension of the format; under `many` = all with the number of the face, from 1 on by falling size, behind
// the name: "a/b_1.jpg". Beside them, in the order of the photos:
//   chips.tsv     chip, photo, face, x, y, width, height, score, x1, y1, ... x5, y5: one line a chip, in
//                 pixels of the photo (of the upright one, with a detector); box and score are empty with
//                 given landmarks, all numbers for a centre crop
//   left_out.tsv  photo, reason: one line for a photo that gave no chip
// Both begin with the names of their columns. Each file appears whole or not at all; a second run writes the
// same bytes. Throws Error: kUsage for options, kIo and kFormat for lists and the detector, kData when two
// photos would give one chip, when a listed photo is missing (under fail, before anything is written), when a
// photo has no face or too many (none = fail), or when no photo gave a chip; Stopped on a signal.
AlignReport align_photos(const AlignOptions& options);

}  // namespace aface
