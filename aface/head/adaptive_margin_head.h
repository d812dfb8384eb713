#pragma once

#include <vector>

#include "aface/head/head.h"

namespace aface {

// AdaM-Softmax (AdaptiveFace, CVPR 2019, equation 4): one learnt margin m_c per identity, and a pull towards larger
// margins over ALL identities, so that identities with few images end with large ones:
//   loss + L_m,   L_m = -(lambda / N) sum_{c = 1..N} m_c,   N = identities, whatever subset is active
// L_m has the constant gradient -lambda / N and is not part of the returned loss; its value is in report(). update():
//   m_c <- clamp(m_c - rate (d loss / d m_c - lambda / N), margin_min, margin_max)   for all c
//   rate = margin_learning_rate * learning_rate_share   (plain: no momentum, no decay; our choice)
// At rest E[1 - p] over the samples of c equals (lambda / s) (images per identity / images of c); where that exceeds 1
// the margin runs to margin_max (see margin_health.h). margin_form "angular" puts m_c into cos(theta + m_c).
// With n_c images of c, nbar on average and a power g = margin_pull_power above 0, lambda (n_c / nbar)^g takes the place of
// lambda: at rest E[1 - p] is then (lambda / s) (nbar / n_c)^(1 - g), which fewer identities cannot reach. Margins start
// at clamp(margin_init (nbar / n_c)^margin_init_power). Both powers are ours; 0 is the paper's.
// Margins live on the CPU in double, whatever the device: a step reads [batch] of them, and updates them all cheaply.
class AdaptiveMarginHead : public Head {
 public:
  // `of_all_ranks`: identities of the whole run; 0: the same. `relative_images`: see make_head().
  AdaptiveMarginHead(const HeadOptions& options, std::int64_t num_identities, std::int64_t of_all_ranks = 0,
                     const std::vector<double>& relative_images = {});

  HeadOutput forward(const HeadInput& input) override;

  // Needs a backward() since the last forward(); does nothing while step < margin_freeze_steps.
  void update(std::int64_t step, double learning_rate_share) override;

  at::Tensor margins() const override;
  void save(NamedArrays& state) const override;
  void restore(const NamedArrays& state) override;
  std::map<std::string, double> report() const override;

 private:
  HeadOptions options_;
  std::int64_t of_all_ranks_;             // N
  std::vector<double> pull_;              // [num_identities] lambda of each
  std::vector<double> margins_;           // [num_identities] of this rank
  std::vector<std::int64_t> identities_;  // [batch] of the last forward() that recorded gradients; -1: of another rank
  at::Tensor own_margins_;                // [batch] leaf; its gradient is what update() reads
};

}  // namespace aface
