#include "aface/synth/draw_photo.h"

#include "aface/synth/face_renderer.h"

namespace aface::synth {

PhotoConditions conditions_of(const SynthOptions& options, std::int64_t identity, std::int64_t photo) {
  Random random(static_cast<std::uint64_t>(options.seed), static_cast<std::uint64_t>(identity),
                static_cast<std::uint64_t>(photo));
  return draw_conditions(random, options.hardness);
}

Image draw_photo(const SynthOptions& options, std::int64_t identity, std::int64_t photo) {
  return render_face(draw_identity(static_cast<std::uint64_t>(options.seed), identity),
                     conditions_of(options, identity, photo), static_cast<int>(options.size));
}

}  // namespace aface::synth
