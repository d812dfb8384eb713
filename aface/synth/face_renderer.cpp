#include "aface/synth/face_renderer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "aface/synth/camera.h"
#include "aface/synth/head_mesh.h"
#include "aface/synth/occlusion.h"
#include "aface/synth/paint.h"
#include "aface/synth/photo_effects.h"
#include "aface/synth/rasterizer.h"
#include "aface/synth/value_noise.h"

namespace aface::synth {
namespace {

Vec3 unit(Vec3 p) {
  const float scale = 1 / std::max(1e-6f, std::sqrt(p.x * p.x + p.y * p.y + p.z * p.z));
  return {p.x * scale, p.y * scale, p.z * scale};
}
float dot(Vec3 p, Vec3 q) { return p.x * q.x + p.y * q.y + p.z * q.z; }

// One lamp and light from everywhere, a little more of it from above.
class Lighting {
 public:
  explicit Lighting(const PhotoConditions& photo)
      : tint_(photo.tint), key_(photo.key), ambient_(photo.ambient) {
    constexpr float kDegree = 3.14159265f / 180;
    const float azimuth = photo.light_azimuth_deg * kDegree, elevation = photo.light_elevation_deg * kDegree;
    to_lamp_ = {std::sin(azimuth) * std::cos(elevation), -std::sin(elevation),
                std::cos(azimuth) * std::cos(elevation)};
    halfway_ = unit({to_lamp_.x, to_lamp_.y, to_lamp_.z + 1});
  }

  Rgb shade(Material material, Vec3 normal) const {
    // Light creeps a little around the edge, as it does in skin.
    constexpr float kWrap = 0.25f;
    const float lamp = std::max(0.0f, (dot(normal, to_lamp_) + kWrap) / (1 + kWrap));
    const float around = ambient_ * (0.8f - 0.2f * normal.y) * (0.7f + 0.3f * std::max(0.0f, normal.z));
    const float facing = std::max(0.0f, dot(normal, halfway_));
    const float p2 = facing * facing, p4 = p2 * p2, p16 = p4 * p4 * p4 * p4;
    const float shine = material.gloss * key_ * p16;
    return (material.albedo * (around + key_ * lamp) + Rgb{shine, shine, shine}) * tint_;
  }

 private:
  Rgb tint_;
  float key_, ambient_;
  Vec3 to_lamp_, halfway_;
};

class Shader {
 public:
  Shader(const FaceIdentity& face, const PhotoConditions& photo, const HeadSurface& surface, float soft,
         int size)
      : face_(face),
        photo_(photo),
        per_size_(1.0f / static_cast<float>(size)),
        lighting_(photo),
        paint_{face, photo.expression, surface.chin(), soft} {}

  // The colour of what lies at a fragment, or of what stands behind pixel (x, y).
  Rgb colour(const Fragment& fragment, int x, int y) const {
    if (fragment.part == Part::kNone) {
      return paint_background(static_cast<float>(x) * per_size_, static_cast<float>(y) * per_size_, photo_) *
             photo_.tint;
    }
    const Vec3 normal = unit(fragment.normal);
    switch (fragment.part) {
      case Part::kSkin:
        return lighting_.shade(paint_.at(fragment.a, fragment.b), normal);
      case Part::kEar:
        return lighting_.shade(ear(fragment.a, fragment.b), normal);
      case Part::kNeck:
        return lighting_.shade(neck(fragment.a, fragment.b), normal);
      case Part::kHair:
        return hair(fragment, normal);
      case Part::kNone:
        break;
    }
    return {};
  }

  Rgb facing_viewer() const { return lighting_.shade({{1, 1, 1}, 0}, {0, 0, 1}); }

 private:
  Material ear(float a, float b) const {
    const float bowl = bell(square((a - 0.05f) / 0.55f) + square((b + 0.1f) / 0.6f));
    return {mix(face_.skin * Rgb{1, 0.86f, 0.82f}, face_.skin * Rgb{0.4f, 0.26f, 0.24f}, 0.8f * bowl), 0.08f};
  }

  Material neck(float angle, float v) const {
    // The head keeps the light off the neck.
    const Rgb skin = face_.skin * mix(0.45f, 0.85f, smooth_step(40, 80, v));
    const float collar = 74 - 10 * square(angle);
    return {mix(skin, photo_.cloth, coverage(collar - v, 1)), 0.02f};
  }

  Rgb hair(const Fragment& fragment, Vec3 normal) const {
    const float strands =
        value_noise(fragment.a * 14, fragment.b * (0.05f + 0.25f * face_.hair.curl), face_.texture_seed + 11);
    const float fine = value_noise(fragment.a * 40, fragment.b * 0.12f, face_.texture_seed + 12);
    Material material{face_.hair.colour * (0.55f + 0.55f * strands + 0.3f * fine), 0.10f * strands};
    if (fragment.inside_out) {
      material.albedo = material.albedo * 0.3f;
      material.gloss = 0;
      normal = {-normal.x, -normal.y, -normal.z};
    }
    return lighting_.shade(material, normal);
  }

  const FaceIdentity& face_;
  const PhotoConditions& photo_;
  float per_size_;
  Lighting lighting_;
  FacePaint paint_;
};

// The mean of the samples of one pixel: samples of the same part are averaged first and shaded once.
class Resolver {
 public:
  Resolver(const std::vector<Fragment>& fragments, int size, const Shader& shader)
      : fragments_(fragments), side_(size * kSamplesPerSide), shader_(shader) {}

  Rgb pixel(int x, int y) const {
    std::array<const Fragment*, kSamples> samples;
    bool same = true;
    for (int i = 0; i < kSamples; ++i) {
      const int row = y * kSamplesPerSide + i / kSamplesPerSide,
                column = x * kSamplesPerSide + i % kSamplesPerSide;
      samples[i] = &fragments_[static_cast<std::size_t>(row) * side_ + column];
      same = same && alike(*samples[i], *samples[0]);
    }
    if (same) return shader_.colour(mean_of_kind(samples, *samples[0]).first, x, y);
    Rgb sum;
    for (int i = 0; i < kSamples; ++i) {
      bool is_new = true;
      for (int k = 0; k < i; ++k) is_new = is_new && !alike(*samples[k], *samples[i]);
      if (!is_new) continue;
      const auto [mean, count] = mean_of_kind(samples, *samples[i]);
      sum = sum + shader_.colour(mean, x, y) * (static_cast<float>(count) / kSamples);
    }
    return sum;
  }

 private:
  static constexpr int kSamples = kSamplesPerSide * kSamplesPerSide;

  static bool alike(const Fragment& f, const Fragment& g) {
    return f.part == g.part && f.inside_out == g.inside_out;
  }

  static std::pair<Fragment, int> mean_of_kind(const std::array<const Fragment*, kSamples>& samples,
                                               const Fragment& kind) {
    Fragment mean = kind;
    mean.a = mean.b = 0;
    mean.normal = {};
    int count = 0;
    for (const Fragment* f : samples) {
      if (!alike(*f, kind)) continue;
      mean.a += f->a;
      mean.b += f->b;
      mean.normal = {mean.normal.x + f->normal.x, mean.normal.y + f->normal.y, mean.normal.z + f->normal.z};
      ++count;
    }
    mean.a /= static_cast<float>(count);
    mean.b /= static_cast<float>(count);
    return {mean, count};
  }

  const std::vector<Fragment>& fragments_;
  int side_;
  const Shader& shader_;
};

}  // namespace

Image render_face(const FaceIdentity& face, const PhotoConditions& photo, int size) {
  const HeadSurface surface(face, photo.expression);
  const Camera camera(face, photo, surface, size);
  const auto fragments = rasterize(build_meshes(face, photo, surface), camera, size);
  const Shader shader(face, photo, surface, 0.65f / camera.pixels_per_unit(), size);
  const Resolver resolver(fragments, size, shader);
  const Rgb facing_viewer = shader.facing_viewer();

  std::vector<Rgb> light;
  light.reserve(static_cast<std::size_t>(size) * size);
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      const Point at{static_cast<double>(x), static_cast<double>(y)};
      light.push_back(paint_occluder(resolver.pixel(x, y), at, face, photo, surface, camera, facing_viewer));
    }
  }
  return develop(std::move(light), size, photo);
}

}  // namespace aface::synth
