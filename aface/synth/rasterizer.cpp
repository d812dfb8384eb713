#include "aface/synth/rasterizer.h"

#include <algorithm>
#include <cmath>

namespace aface::synth {
namespace {

struct Corner {
  float x, y, depth;  // sample coordinates
  Vec3 normal;
  float a, b, mask;
};

// A weight that is linear over the picture: 1 at one corner of the triangle, 0 on the side p-q opposite to
// it.
struct Weight {
  float from_x, from_y, per_x, per_y;

  // `scale` is one over twice the triangle's signed area. Measured from p, as differences of large products
  // would leave cracks between triangles.
  Weight(const Corner& p, const Corner& q, float scale)
      : from_x(p.x), from_y(p.y), per_x((p.y - q.y) * scale), per_y((q.x - p.x) * scale) {}
  float at(float x, float y) const { return per_x * (x - from_x) + per_y * (y - from_y); }
};

// Samples on an edge belong to both triangles rather than, after rounding, to neither.
constexpr float kEdgeTolerance = 1e-4f;

// For x >= 0; std::ceil is slow where the processor's rounding instruction may not be used.
int round_up(float x) {
  const int whole = static_cast<int>(x);
  return whole + (static_cast<float>(whole) < x ? 1 : 0);
}

class Canvas {
 public:
  explicit Canvas(int side)
      : side_(side), fragments_(static_cast<std::size_t>(side) * side), depths_(fragments_.size(), -1e9f) {}

  void draw_triangle(const Corner& p, const Corner& q, const Corner& r, Part part) {
    if (p.mask <= 0 && q.mask <= 0 && r.mask <= 0) return;
    const float last = static_cast<float>(side_ - 1);
    const float left = std::max(0.0f, std::min({p.x, q.x, r.x})),
                right = std::min(last, std::max({p.x, q.x, r.x}));
    const float top = std::max(0.0f, std::min({p.y, q.y, r.y})),
                bottom = std::min(last, std::max({p.y, q.y, r.y}));
    if (left > right || top > bottom) return;
    const float whole = (q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x);
    // Only hair is a sheet whose back can be seen.
    if (whole == 0 || (whole < 0 && part != Part::kHair)) return;
    const int x0 = round_up(left), x1 = static_cast<int>(right), y0 = round_up(top),
              y1 = static_cast<int>(bottom);
    const float scale = 1 / whole;
    const Weight weight_p(q, r, scale), weight_q(r, p, scale);
    const bool is_cut = p.mask <= 0 || q.mask <= 0 || r.mask <= 0;
    for (int y = y0; y <= y1; ++y) {
      const std::size_t start = static_cast<std::size_t>(y) * side_;
      Fragment* row = &fragments_[start];
      float* depths = &depths_[start];
      for (int x = x0; x <= x1; ++x) {
        const float wp = weight_p.at(static_cast<float>(x), static_cast<float>(y));
        const float wq = weight_q.at(static_cast<float>(x), static_cast<float>(y));
        const float wr = 1 - wp - wq;
        if (std::min({wp, wq, wr}) < -kEdgeTolerance) continue;
        const float depth = wp * p.depth + wq * q.depth + wr * r.depth;
        if (depth <= depths[x]) continue;
        if (is_cut && wp * p.mask + wq * q.mask + wr * r.mask <= 0) continue;
        depths[x] = depth;
        Fragment& fragment = row[x];
        fragment.part = part;
        fragment.inside_out = whole < 0;
        fragment.a = wp * p.a + wq * q.a + wr * r.a;
        fragment.b = wp * p.b + wq * q.b + wr * r.b;
        fragment.normal = {wp * p.normal.x + wq * q.normal.x + wr * r.normal.x,
                           wp * p.normal.y + wq * q.normal.y + wr * r.normal.y,
                           wp * p.normal.z + wq * q.normal.z + wr * r.normal.z};
      }
    }
  }

  std::vector<Fragment> take() { return std::move(fragments_); }

 private:
  int side_;
  std::vector<Fragment> fragments_;
  std::vector<float> depths_;  // larger is nearer; apart, as it is read for every sample of every triangle
};

}  // namespace

std::vector<Fragment> rasterize(const std::vector<Mesh>& meshes, const Camera& camera, int size) {
  Canvas canvas(size * kSamplesPerSide);
  std::vector<Corner> corners;
  for (const Mesh& mesh : meshes) {
    corners.clear();
    for (const Vertex& vertex : mesh.vertices) {
      const Vec3 turned = camera.turn(vertex.position);
      const Point at = camera.place(turned);
      corners.push_back({static_cast<float>(at.x * kSamplesPerSide + 0.5),
                         static_cast<float>(at.y * kSamplesPerSide + 0.5), turned.z,
                         camera.turn(vertex.normal), vertex.a, vertex.b, vertex.mask});
    }
    for (int i = 0; i + 1 < mesh.rows; ++i) {
      for (int j = 0; j + 1 < mesh.columns; ++j) {
        const std::size_t at = static_cast<std::size_t>(i) * mesh.columns + j;
        const Corner &p = corners[at], &q = corners[at + 1];
        const Corner &r = corners[at + mesh.columns], &s = corners[at + mesh.columns + 1];
        canvas.draw_triangle(p, q, r, mesh.part);
        canvas.draw_triangle(q, s, r, mesh.part);
      }
    }
  }
  return canvas.take();
}

}  // namespace aface::synth
