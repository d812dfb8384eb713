#pragma once

#include <cstdint>
#include <vector>

#include "aface/core/named_arrays.h"
#include "aface/core/span.h"

namespace aface {

// How closely the embeddings of each identity lie together, kept up while they are trained.
//
// The mean direction of identity c moves by exponential weights: mean <- mean + rate (x / |x| - mean) for each embedding x
// of c; the weights w_k of those seen so far add up to W < 1, their squares to Q. With R the resultant length |E[x / |x|]|,
// E|mean / W|^2 = R^2 + (1 - R^2) Q / W^2 for independent embeddings, from which R is estimated without that bias. Then
//   kappa = R (d - R^2) / (1 - R^2)
// is the usual estimate of a von Mises-Fisher distribution's concentration in d dimensions (Banerjee et al., 2005).
// Memory: 4 d + 16 B an identity.
class IdentityConcentration {
 public:
  // `rate` in (0, 1].
  IdentityConcentration(std::int64_t num_identities, double rate);

  // One embedding [dim] of length > 0; all have the same dim.
  void add(std::int64_t identity, const float* embedding, std::int64_t dim);

  // kappa of each identity; NaN for those of which fewer than two embeddings were seen.
  std::vector<double> kappa() const;

  // Under "head.concentration.*". restore() throws Error{kFormat} when it does not fit.
  void save(NamedArrays& state) const;
  void restore(const NamedArrays& state);

 private:
  std::int64_t num_identities_;
  double rate_;
  std::int64_t dim_ = 0;            // known from the first embedding on
  std::vector<float> means_;        // [num_identities, dim]
  std::vector<double> weights_;     // [num_identities] W
  std::vector<double> squares_;     // [num_identities] Q
};

}  // namespace aface
