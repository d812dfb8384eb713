#pragma once

#include <vector>

#include "aface/head/head.h"
#include "aface/head/identity_concentration.h"

namespace aface {

// KappaFace (Oinar et al., arXiv 2201.07394) as its authors' code computes it, as a comparison for learnt margins: one margin per
// identity in closed form, larger where embeddings are spread out and where images are few,
//   m_c = margin w_c,   w_c = a (1 - sigmoid(t z_c)) + (1 - a) (cos(pi n_c / (1.05 n_max)) + 1) / 2
// with z_c the standard score of the identity's concentration kappa among those known (0 where it is not), n_c its images,
// n_max those of the richest, a = kappa_share and t = kappa_temperature. Where we depart from them: concentrations are kept
// by exponential weights without bias (see identity_concentration.h) and margins made anew every kappa_refresh_steps steps,
// not once an epoch; the margin is off the cosine unless margin_form says "angular", which is theirs.
class KappaMarginHead : public Head {
 public:
  // `relative_images`: see make_head(); empty: all have as many.
  KappaMarginHead(const HeadOptions& options, std::int64_t num_identities, const std::vector<double>& relative_images);

  HeadOutput forward(const HeadInput& input) override;

  // Takes the embeddings of the last forward() that recorded gradients into the concentrations.
  void update(std::int64_t step, double learning_rate_share) override;

  at::Tensor margins() const override;
  void save(NamedArrays& state) const override;
  void restore(const NamedArrays& state) override;
  std::map<std::string, double> report() const override;

 private:
  void refresh_margins();

  HeadOptions options_;
  std::vector<double> size_weights_;      // [num_identities] (cos(pi n_c / (1.05 n_max)) + 1) / 2
  IdentityConcentration concentration_;
  std::vector<double> margins_;           // [num_identities]
  std::vector<std::int64_t> identities_;  // [batch] and
  at::Tensor embeddings_;                 // [batch, dim] float32 on the CPU, what update() takes in
};

}  // namespace aface
