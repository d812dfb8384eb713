#include "aface/nn/backbone.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>
#include <set>
#include <string>

#include "aface/nn/layers.h"
#include "aface/nn/torch_compat.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

BackboneOptions options_of(const std::string& kind, std::int64_t size, std::int64_t dim, std::int64_t width = 8) {
  BackboneOptions options;
  options.kind = kind;
  options.input_size = size;
  options.embedding_dim = dim;
  options.width = width;
  return options;
}

std::set<std::string> names_of(const torch::nn::Module& module) {
  std::set<std::string> names;
  for (const auto& item : module.named_parameters()) names.insert(item.key());
  for (const auto& item : module.named_buffers()) names.insert(item.key());
  return names;
}

// Catches the names that the options describe.
struct Choices {
  std::vector<std::string> kinds;
  template <class T>
  void field(const std::string& name, const T&, const FieldInfo& info) {
    if (name == "kind") kinds = info.choices;
  }
};

// The deeper residual nets repeat the blocks of iresnet18; one pass through each is enough (below).
class ShallowBackbone : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    torch::manual_seed(5);
    net_ = make_backbone(options_of(GetParam(), 32, 24));
    chips_ = torch::rand({3, 3, 32, 32}) * 2 - 1;
  }
  std::shared_ptr<Backbone> net_;
  torch::Tensor chips_;
};

INSTANTIATE_TEST_SUITE_P(Registry, ShallowBackbone,
                         ::testing::Values("iresnet18", "mobilefacenet", "small_resnet", "tiny_cnn"),
                         [](const auto& info) { return info.param; });

TEST_P(ShallowBackbone, EveryTrainedParameterGetsAFiniteGradient) {
  (net_->forward(chips_) * torch::randn({3, 24})).sum().backward();
  for (const auto& item : net_->named_parameters()) {
    if (!item.value().requires_grad()) continue;
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_TRUE(torch::isfinite(item.value().grad()).all().item<bool>()) << item.key();
    EXPECT_GT(item.value().grad().abs().max().item<float>(), 0) << item.key();
  }
}

TEST_P(ShallowBackbone, InEvaluationAChipIsEmbeddedTheSameAloneAndInABatch) {
  torch::NoGradGuard no_grad;
  net_->forward(chips_);  // gives the running statistics something
  net_->eval();
  const torch::Tensor all = net_->forward(chips_);
  const torch::Tensor one = net_->forward(chips_.narrow(0, 1, 1));
  EXPECT_LT((one[0] - all[1]).abs().max().item<float>(), 1e-4F * all.abs().max().item<float>());
}

TEST_P(ShallowBackbone, ChannelsLastChangesTheLayoutOnly) {
  torch::NoGradGuard no_grad;
  const torch::Tensor plain = net_->forward(chips_);
  to_channels_last(*net_);
  int convolutions = 0;
  for (const torch::Tensor& parameter : net_->parameters()) {
    if (parameter.dim() != 4) continue;
    ++convolutions;
    EXPECT_TRUE(parameter.is_contiguous(at::MemoryFormat::ChannelsLast));
  }
  EXPECT_GE(convolutions, 4);
  const torch::Tensor last = net_->forward(chips_.contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_LT((last - plain).abs().max().item<float>(), 2e-3F);  // batch statistics of 3 chips amplify rounding
}

// In evaluation, because statistics of a small batch magnify rounding; one small chip, because bfloat16 is slow on
// CPUs that lack it.
TEST_P(ShallowBackbone, Bfloat16StaysCloseAndKeepsEmbeddingsInFloat32) {
  torch::NoGradGuard no_grad;
  const auto net = make_backbone(options_of(GetParam(), 16, 24));
  const torch::Tensor chip = torch::rand({1, 3, 16, 16}) * 2 - 1;
  net->eval();
  const torch::Tensor exact = net->forward(chip);
  const AutocastGuard autocast(at::kCPU, true);
  const torch::Tensor rounded = net->forward(chip);
  EXPECT_EQ(rounded.scalar_type(), at::kFloat);
  EXPECT_GT(torch::cosine_similarity(exact, rounded, 1).item<float>(), 0.98F);
  EXPECT_FALSE(torch::equal(exact, rounded));  // so bfloat16 took part
}

TEST_P(ShallowBackbone, ChipsOfAnotherShapeAreDataErrors) {
  for (const auto& wrong : {torch::zeros({2, 3, 48, 48}), torch::zeros({2, 1, 32, 32}), torch::zeros({3, 32, 32})}) {
    EXPECT_THAT(test::error_of(ErrorKind::kData, [&] { net_->forward(wrong); }),
                ::testing::HasSubstr("[batch, 3, 32, 32]"));
  }
}

TEST_P(ShallowBackbone, TheSeedDecidesTheWeights) {
  torch::manual_seed(5);
  const auto twin = make_backbone(options_of(GetParam(), 32, 24));
  const auto other = make_backbone(options_of(GetParam(), 32, 24));
  const auto first = net_->parameters(), same = twin->parameters(), different = other->parameters();
  EXPECT_TRUE(torch::equal(first[0], same[0]));
  EXPECT_FALSE(torch::equal(first[0], different[0]));
}

TEST_P(ShallowBackbone, DropoutActsInTrainingOnly) {
  BackboneOptions options = options_of(GetParam(), 32, 24);
  options.dropout = 0.5;
  const auto net = make_backbone(options);
  torch::NoGradGuard no_grad;
  EXPECT_FALSE(torch::equal(net->forward(chips_), net->forward(chips_)));
  net->eval();
  EXPECT_TRUE(torch::equal(net->forward(chips_), net->forward(chips_)));
}

TEST(Backbone, EveryNetOfTheRegistryTellsChipsApart) {
  for (const std::string& name : backbone_names()) {
    SCOPED_TRACE(name);
    torch::NoGradGuard no_grad;
    const auto net = make_backbone(options_of(name, 16, 24));
    const torch::Tensor embeddings = net->forward(torch::rand({3, 3, 16, 16}));
    EXPECT_EQ(embeddings.sizes().vec(), (std::vector<std::int64_t>{3, 24}));
    EXPECT_TRUE(torch::isfinite(embeddings).all().item<bool>());
    EXPECT_GT((embeddings[0] - embeddings[1]).abs().max().item<float>(), 0.1F);
  }
}

// Sums over the layer tables at the top of the nets' files, worked out apart from this program.
TEST(Backbone, ParameterCountsAreThoseOfTheLayerTables) {
  EXPECT_EQ(count_parameters(*make_backbone(options_of("iresnet18", 112, 512))), 24'025'600);
  EXPECT_EQ(count_parameters(*make_backbone(options_of("iresnet34", 112, 512))), 34'139'328);
  EXPECT_EQ(count_parameters(*make_backbone(options_of("iresnet50", 112, 512))), 43'590'848);
  EXPECT_EQ(count_parameters(*make_backbone(options_of("iresnet100", 112, 512))), 65'156'160);
  EXPECT_EQ(count_parameters(*make_backbone(options_of("mobilefacenet", 112, 512))), 2'059'520);
  EXPECT_EQ(count_parameters(*make_backbone(options_of("small_resnet", 64, 256, 32))), 2'914'208);
  EXPECT_EQ(count_parameters(*make_backbone(options_of("tiny_cnn", 32, 64, 16))), 32'016);
}

TEST(Backbone, NamesAreThoseOfThePyTorchNets) {
  const auto iresnet = names_of(*make_backbone(options_of("iresnet18", 32, 8)));
  for (const char* name : {"conv1.weight", "bn1.running_var", "prelu.weight", "layer1.0.bn1.weight",
                           "layer1.0.downsample.0.weight", "layer1.0.downsample.1.num_batches_tracked",
                           "layer4.1.conv2.weight", "layer4.1.bn3.bias", "layer2.1.prelu.weight", "bn2.weight",
                           "fc.weight", "fc.bias", "features.weight", "features.running_mean"}) {
    EXPECT_EQ(iresnet.count(name), 1U) << name;
  }
  EXPECT_EQ(iresnet.count("layer1.1.downsample.0.weight"), 0U);
  const auto mobile = names_of(*make_backbone(options_of("mobilefacenet", 32, 8)));
  for (const char* name :
       {"layers.0.layers.0.weight", "layers.1.layers.2.weight", "layers.2.layers.1.layers.1.running_mean",
        "layers.3.layers.3.layers.2.layers.0.weight", "layers.7.layers.1.layers.2.layers.1.bias",
        "conv_sep.layers.2.weight", "features.layers.0.layers.0.weight", "features.layers.2.weight",
        "features.layers.3.num_batches_tracked"}) {
    EXPECT_EQ(mobile.count(name), 1U) << name;
  }
  EXPECT_EQ(mobile.count("features.layers.2.bias"), 0U);
}

TEST(Backbone, StartValuesAreThoseOfThePyTorchNets) {
  torch::manual_seed(1);
  const auto iresnet = make_backbone(options_of("iresnet18", 32, 8));
  const auto mobile = make_backbone(options_of("mobilefacenet", 32, 8));
  const auto named = [](const Backbone& net, const std::string& name) { return net.named_parameters()[name]; };
  // The standard deviation of n normal draws scatters by 1 / sqrt(2 n); five of those are allowed.
  const auto expect_deviation = [](const torch::Tensor& weight, double deviation) {
    const double n = static_cast<double>(weight.numel());
    EXPECT_NEAR(weight.detach().std().item<double>() / deviation, 1.0, 5 / std::sqrt(2 * n));
    EXPECT_NEAR(weight.detach().mean().item<double>() / deviation, 0.0, 5 / std::sqrt(n));
  };
  expect_deviation(named(*iresnet, "layer3.1.conv2.weight"), 0.1);
  expect_deviation(named(*iresnet, "layer2.0.downsample.0.weight"), 0.1);
  expect_deviation(named(*mobile, "layers.4.layers.0.layers.0.weight"), std::sqrt(2.0 / 256));
  expect_deviation(named(*mobile, "layers.4.layers.1.layers.0.weight"), std::sqrt(2.0 / (256 * 9)));
  EXPECT_FALSE(named(*iresnet, "features.weight").requires_grad());
  EXPECT_TRUE(torch::equal(named(*iresnet, "features.weight"), torch::ones({8})));
  EXPECT_TRUE(named(*mobile, "features.layers.3.weight").requires_grad());
  EXPECT_TRUE(torch::equal(named(*iresnet, "layer1.0.prelu.weight"), torch::full({64}, 0.25)));
}

TEST(Backbone, GradientsOfABfloat16PassAreFloat32AndCloseToTheExactOnes) {
  torch::manual_seed(2);
  const auto net = make_backbone(options_of("small_resnet", 16, 24));
  const torch::Tensor chips = torch::rand({2, 3, 16, 16}) * 2 - 1, direction = torch::randn({2, 24});
  net->eval();
  const auto gradient = [&](bool bfloat16) {
    net->zero_grad();
    const AutocastGuard autocast(at::kCPU, bfloat16);
    net->forward(chips).backward(direction);
    return net->named_parameters()["stage1.down.weight"].grad().clone();
  };
  const torch::Tensor exact = gradient(false), rounded = gradient(true);
  EXPECT_EQ(rounded.scalar_type(), at::kFloat);
  EXPECT_GT(torch::cosine_similarity(exact.flatten(), rounded.flatten(), 0).item<float>(), 0.98F);
  EXPECT_FALSE(torch::equal(exact, rounded));
}

TEST(Backbone, EverySizeThatIsAMultipleOf16Works) {
  torch::NoGradGuard no_grad;
  for (const std::int64_t size : {16, 48, 80}) {
    const auto net = make_backbone(options_of("iresnet18", size, 8));
    EXPECT_EQ(net->named_parameters()["fc.weight"].size(1), 512 * (size / 16) * (size / 16));
    EXPECT_EQ(net->forward(torch::rand({2, 3, size, size})).size(1), 8);
  }
}

TEST(Backbone, WrongOptionsAreUsageErrors) {
  const auto refused = [](const BackboneOptions& options, const std::string& words) {
    EXPECT_THAT(test::error_of(ErrorKind::kUsage, [&] { make_backbone(options); }), ::testing::HasSubstr(words));
  };
  refused(options_of("resnet", 112, 512), "iresnet18, iresnet34");
  refused(options_of("iresnet18", 100, 512), "112 would fit");
  refused(options_of("iresnet18", 0, 512), "backbone.input_size");
  refused(options_of("iresnet18", 112, 1), "backbone.embedding_dim");
  refused(options_of("small_resnet", 112, 512, -3), "backbone.width");
  BackboneOptions options;
  options.dropout = std::nan("");
  refused(options, "backbone.dropout");
}

TEST(Backbone, TheOptionsDescribeExactlyTheRegistry) {
  Choices choices;
  BackboneOptions options;
  describe(choices, options);
  EXPECT_EQ(choices.kinds, backbone_names());
}

TEST(PRelu, IsLeakyByChannelInEveryType) {
  PRelu prelu(2);
  prelu->named_parameters()["weight"].set_data(torch::tensor({0.5F, -1.0F}));
  const torch::Tensor x = torch::tensor({-2.0F, 3.0F, -4.0F, 5.0F}).reshape({1, 2, 1, 2});
  const torch::Tensor expected = torch::tensor({-1.0F, 3.0F, 4.0F, 5.0F}).reshape({1, 2, 1, 2});
  EXPECT_TRUE(torch::equal(prelu(x), expected));
  EXPECT_TRUE(torch::equal(prelu(x.to(at::kBFloat16)), expected.to(at::kBFloat16)));
}

}  // namespace
}  // namespace aface
