#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "aface/data/face_dataset.h"

namespace aface {

// Identities whose number of images lies in first..last.
struct SizeClass {
  std::int64_t first = 0;
  std::int64_t last = 0;  // 0: no upper end
  std::int64_t identities = 0;
  std::int64_t images = 0;
};

struct PictureSize {
  int width = 0;
  int height = 0;
  std::int64_t images = 0;
};

struct UnreadableImage {
  std::string path;  // relative to the root
  std::string reason;
};

// What a data set holds, above all how uneven its identities are.
struct DatasetReport {
  std::string root;
  std::string fingerprint;
  std::int64_t identities = 0;
  std::int64_t images = 0;
  // Images per identity. The median of an even number of identities is the mean of the middle two.
  std::int64_t smallest = 0;
  double median = 0;
  double mean = 0;
  std::int64_t largest = 0;
  std::vector<SizeClass> size_classes;  // 1, 2, 3-4, 5-9, 10-19, 20-49, 50-99, 100 and more
  double share_of_richest_tenth = 0;    // of the images, held by the ceil(identities / 10) richest identities
  // Empty unless the images were decoded:
  bool decoded = false;
  std::vector<PictureSize> picture_sizes;   // most frequent first
  std::vector<UnreadableImage> unreadable;  // in path order
};

enum class Decoding { kAll, kNone };

// Unreadable images are part of the report, not an error. `threads` 0: all cores. Throws Stopped on a signal.
DatasetReport inspect_dataset(const FaceDataset& dataset, Decoding decoding, int threads);

std::string report_text(const DatasetReport& report);  // for people, several lines
std::string report_json(
    const DatasetReport& report);  // one object; bytes of names that are not UTF-8 are replaced

}  // namespace aface
