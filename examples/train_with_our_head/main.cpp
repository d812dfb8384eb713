// Trains a network of your own with AdaptiveFace's adaptive margins; the batch's and 32 random identities are active.
#include <aface/head/head.h>
#include <aface/head/prototypes.h>
#include <torch/torch.h>

#include <cstdio>

int main() {
  const std::int64_t identities = 200, batch = 64;
  torch::manual_seed(1);
  torch::nn::Sequential network(torch::nn::Linear(32, 64), torch::nn::ReLU(), torch::nn::Linear(64, 16));
  torch::optim::SGD optimizer(network->parameters(), torch::optim::SGDOptions(0.05).momentum(0.9));
  const auto prototypes = aface::make_flat_prototypes(identities, 16, /*seed=*/1, aface::PrototypeOptions());
  const auto head = aface::make_head(aface::HeadOptions(), identities, torch::kCPU);
  const torch::Tensor people = torch::randn({identities, 32});
  double first = 0, last = 0;
  for (std::int64_t step = 0; step < 300; ++step) {
    const torch::Tensor owners = torch::randint(identities, {batch}, torch::kLong);
    aface::HeadInput input;
    input.step = step;
    input.embeddings = network->forward(people.index_select(0, owners) + 0.3 * torch::randn({batch, 32}));
    input.active_ids = std::get<0>(at::_unique(torch::cat({owners, torch::randint(identities, {32}, torch::kLong)})));
    input.targets = torch::searchsorted(input.active_ids, owners);
    input.prototypes = prototypes->activate({input.active_ids.data_ptr<std::int64_t>(), std::size_t(input.active_ids.numel())});
    const aface::HeadOutput output = head->forward(input);
    optimizer.zero_grad();
    output.loss.backward();
    optimizer.step();
    prototypes->step(/*rate=*/0.05, output.prototype_gradient);
    head->update(step, /*learning_rate_share=*/1.0);
    (step == 0 ? first : last) = output.loss.item<double>();
  }
  std::printf("loss from %.2f to %.2f, mean margin %.2f\n", first, last, head->report().at("margin_mean"));
  return last < 0.5 * first ? 0 : 1;  // fails unless the loss falls
}
