#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "aface/core/span.h"
#include "aface/image/image.h"
#include "aface/model/model_card.h"

namespace aface {

struct Model;

struct RecogniserOptions {
  int threads = 0;  // of one call; 0: all cores
};

// A model that is ready for use. const functions may be called from several threads at once.
class Recogniser {
 public:
  // Checks the file's digest, and that its network gives the reference embedding here (check_reference()).
  // Throws Error{kIo|kFormat} with the path and the reason, as read_model() does.
  static Recogniser open(const std::string& model_path, const RecogniserOptions& options = {});

  // Of a model that is not, or not yet, a file; the reference is not looked at. Throws Error{kFormat} as
  // make_graph().
  explicit Recogniser(const Model& model, const RecogniserOptions& options = {});
  Recogniser(Recogniser&&) noexcept;
  ~Recogniser();

  const ModelCard& card() const;  // input size, template, thresholds, ...
  // What embeddings depend on, as 64 hexadecimal digits: embeddings of models with the same digest can be
  // compared. New thresholds or notes in a file do not change it. What a gallery is bound to.
  const std::string& digest() const;
  int dim() const;

  // chips: RGB, card().input_size() pixels square; the flip rule is applied. rows [n, dim], each of length 1.
  // Throws Error{kData} naming a chip of another size, or one whose embedding has no direction (zero or not
  // finite).
  void embed(Span<const Image> chips, float* rows) const;
  // The same before it is scaled to length 1: the sum over the views of the flip rule. Pixels [count, size,
  // size, 3].
  void embed_pixels(const std::uint8_t* pixels, std::int64_t count, float* rows) const;

 private:
  struct Parts;
  std::unique_ptr<const Parts> parts_;
};

// A model's reference embedding is what its network gave for the reference chip where the file was written.
// Other processors add in another order, so that the two embeddings of length 1 may be this far apart; wrong
// weights, colours or views move them by 0.1 and more. Cosine 1 - 5e-7.
constexpr double kReferenceTolerance = 1e-3;

// The distance between both. Throws Error{kFormat} when it is above the tolerance.
double check_reference(const Recogniser& recogniser, const Model& model);

}  // namespace aface
