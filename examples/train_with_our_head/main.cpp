// Trains a small network of your own on random data with AdaptiveFace's margin softmax and prototypes. Only the
// identities of the batch and 32 random others take part in a step. Fails unless the loss falls.
#include <aface/head/head.h>
#include <aface/head/prototypes.h>
#include <torch/torch.h>

#include <iostream>

int main() {
  torch::manual_seed(1);
  const std::int64_t identities = 200, batch = 64, steps = 300;
  torch::nn::Sequential network(torch::nn::Linear(32, 64), torch::nn::ReLU(), torch::nn::Linear(64, 16));
  torch::optim::SGD optimizer(network->parameters(), torch::optim::SGDOptions(0.05).momentum(0.9));
  aface::PrototypeTable prototypes(identities, 16, /*seed=*/1, aface::PrototypeOptions(), torch::kCPU);
  const auto head = aface::make_head(aface::HeadOptions(), identities, torch::kCPU);  // kind "adaptive_margin"
  const torch::Tensor centres = torch::randn({identities, 32});

  double first = 0, last = 0;  // mean losses of the first and the last 20 steps
  for (std::int64_t step = 0; step < steps; ++step) {
    const torch::Tensor owners = torch::randint(identities, {batch}, torch::kLong);
    const torch::Tensor images = centres.index_select(0, owners) + 0.3 * torch::randn({batch, 32});
    aface::HeadInput input;
    input.active_ids = std::get<0>(at::_unique(torch::cat({owners, torch::randint(identities, {32}, torch::kLong)})));
    input.targets = torch::searchsorted(input.active_ids, owners);
    const auto active = static_cast<std::size_t>(input.active_ids.numel());
    input.prototypes = prototypes.activate({input.active_ids.data_ptr<std::int64_t>(), active});
    input.embeddings = network->forward(images);
    input.step = step;

    const aface::HeadOutput output = head->forward(input);
    optimizer.zero_grad();
    output.loss.backward();
    optimizer.step();
    prototypes.step(0.05);
    head->update(step, 1.0);

    const double loss = output.loss.item<double>();
    if (step < 20) first += loss / 20;
    if (step >= steps - 20) last += loss / 20;
    if (step % 50 == 0) std::cout << "step " << step << " loss " << loss << '\n';
  }
  std::cout << "loss from " << first << " to " << last << ", mean margin " << head->report().at("margin_mean") << '\n';
  return last < 0.5 * first ? 0 : 1;
}
