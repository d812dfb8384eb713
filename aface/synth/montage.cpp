#include "aface/synth/montage.h"

#include <algorithm>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/synth/draw_photo.h"
#include "aface/synth/synthetic_faces.h"

namespace aface {

Image draw_montage(const SynthOptions& options, std::int64_t identities, std::int64_t photos, int threads) {
  check_synth_options(options);
  AFACE_CHECK(identities > 0 && photos > 0, "montage of {} x {}", identities, photos);
  const auto size = static_cast<int>(options.size);
  Image montage(static_cast<int>(photos) * size, static_cast<int>(identities) * size);
  parallel_for(identities * photos, 1, threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t cell = begin; cell < end; ++cell) {
      const std::int64_t identity = cell / photos, photo = cell % photos;
      const Image chip = synth::draw_photo(options, identity, photo);
      for (int y = 0; y < size; ++y) {
        std::copy_n(chip.at(0, y), size * 3,
                    montage.at(static_cast<int>(photo) * size, static_cast<int>(identity) * size + y));
      }
    }
  });
  return montage;
}

}  // namespace aface
