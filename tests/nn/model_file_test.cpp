#include "aface/nn/model_file.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include <string>

#include "aface/core/file.h"
#include "aface/io/safetensors.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using test::error_of;
using ::testing::HasSubstr;

BackboneOptions tiny() {
  BackboneOptions options;
  options.kind = "tiny_cnn";
  options.input_size = 16;
  options.embedding_dim = 6;
  options.width = 4;
  return options;
}

// A net whose running statistics have moved.
std::shared_ptr<Backbone> used_net(int seed = 3) {
  torch::manual_seed(seed);
  auto net = make_backbone(tiny());
  net->forward(torch::rand({4, 3, 16, 16}));
  return net;
}

torch::Tensor embed(Backbone& net) {
  torch::NoGradGuard no_grad;
  net.eval();
  return net.forward(torch::linspace(-1, 1, 2 * 3 * 16 * 16).reshape({2, 3, 16, 16}));
}

TEST(ModelFile, RoundTripGivesTheSameEmbeddingsBitForBit) {
  test::TempDir folder;
  const auto net = used_net();
  save_model(folder.file("m"), *net, {{"step", "12"}});
  const auto back = load_model(folder.file("m"));
  EXPECT_TRUE(torch::equal(embed(*back), embed(*net)));
  EXPECT_EQ(back->options().kind, "tiny_cnn");
  EXPECT_EQ(back->options().input_size, 16);
  EXPECT_EQ(back->options().width, 4);
  const NamedArrays file = read_safetensors(folder.file("m"));
  EXPECT_EQ(file.text("step"), "12");
  EXPECT_EQ(file.get_scalar<std::int64_t>("bn1.num_batches_tracked"), 1);
  EXPECT_TRUE(file.at("bn1.num_batches_tracked").shape.empty());
  EXPECT_EQ(file.at("conv2.weight").shape, (std::vector<std::int64_t>{8, 4, 3, 3}));
}

TEST(ModelFile, ChannelsLastIsStoredRowMajorAndKeptOnRestoring) {
  NamedArrays plain, last;
  const auto net = used_net();
  save_module(*net, "", plain);
  to_channels_last(*net);
  save_module(*net, "", last);
  EXPECT_EQ(plain.at("conv2.weight").bytes, last.at("conv2.weight").bytes);
  const auto other = used_net(4);
  to_channels_last(*other);
  restore_module(*other, "", plain);
  EXPECT_TRUE(other->named_parameters()["conv2.weight"].is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(torch::equal(embed(*other), embed(*net)));
}

TEST(StateDict, ModulesOfEveryTypeComeBackExactly) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    const auto net = used_net(), other = used_net(4);
    net->to(type);
    other->to(type);
    NamedArrays state;
    save_module(*net, "net.", state);
    restore_module(*other, "net.", state);
    NamedArrays again;
    save_module(*other, "net.", again);
    for (const auto& [name, array] : state.arrays) {
      EXPECT_EQ(again.at(name).bytes, array.bytes) << name;
      EXPECT_EQ(again.at(name).type, array.type) << name;
    }
  }
}

const char* const kNorms[] = {"bn1", "bn2", "bn3", "bn4", "features"};

void drop_counters(NamedArrays& state) {
  for (const std::string norm : kNorms) ASSERT_EQ(state.arrays.erase(norm + ".num_batches_tracked"), 1U);
}

TEST(StateDict, FloatingTypesAreConvertedToTheModules) {
  const auto net = used_net(), half = used_net();
  half->to(at::kHalf);
  NamedArrays state;
  save_module(*half, "", state);
  drop_counters(state);  // which to(kHalf) turned into floats too
  restore_module(*net, "", state);
  const torch::Tensor weight = net->named_parameters()["conv1.weight"];
  EXPECT_EQ(weight.scalar_type(), at::kFloat);
  EXPECT_TRUE(torch::equal(weight, half->named_parameters()["conv1.weight"].to(at::kFloat)));
}

TEST(StateDict, OnlyNamesUnderThePrefixCount) {
  const auto net = used_net(), other = used_net(4);
  NamedArrays state;
  state.put_scalar<float>("a.first", 1);
  state.put_scalar<float>("network.last", 1);
  save_module(*net, "net.", state);
  restore_module(*other, "net.", state);
  EXPECT_TRUE(torch::equal(embed(*other), embed(*net)));
}

TEST(StateDict, CountersMayBeMissing) {
  const auto net = used_net(), other = used_net(4);
  NamedArrays state;
  save_module(*net, "", state);
  drop_counters(state);
  restore_module(*other, "", state);
  EXPECT_TRUE(torch::equal(embed(*other), embed(*net)));
}

TEST(StateDict, MisfitsAreListedAndTheModuleStaysAsItWas) {
  const auto net = used_net(), other = used_net(4);
  NamedArrays state;
  save_module(*net, "", state);
  for (int i = 1; i <= 4; ++i) state.arrays.erase("conv" + std::to_string(i) + ".weight");
  state.arrays.erase("fc.weight");
  state.put<float>("bn1.weight", {1, 2, 3});
  state.put<std::int64_t>("bn2.weight", std::vector<std::int64_t>(8, 1));
  state.put<std::uint64_t>("bn3.weight", std::vector<std::uint64_t>(8, 1));
  state.put_scalar<float>("stranger", 1);
  const torch::Tensor before = embed(*other);
  const std::string message = error_of(ErrorKind::kFormat, [&] { restore_module(*other, "", state); });
  EXPECT_THAT(message, HasSubstr("5 missing (conv1.weight, conv2.weight, conv3.weight, conv4.weight, ...)"));
  EXPECT_THAT(message, HasSubstr("3 of another shape or type ("));
  EXPECT_THAT(message, HasSubstr("bn1.weight: expected F32 [4], got F32 [3]"));
  EXPECT_THAT(message, HasSubstr("bn2.weight: expected F32 [8], got I64 [8]"));
  EXPECT_THAT(message, HasSubstr("1 unknown (stranger)"));
  EXPECT_TRUE(torch::equal(embed(*other), before));
}

TEST(ModelFile, FilesWithoutOptionsSayWhatIsNeededAndLoadWithThem) {
  test::TempDir folder;
  const auto net = used_net();
  NamedArrays state;
  save_module(*net, "", state);
  write_safetensors(folder.file("m"), state);
  const std::string message = error_of(ErrorKind::kFormat, [&] { load_model(folder.file("m")); });
  EXPECT_THAT(message, HasSubstr(folder.file("m")));
  EXPECT_THAT(message, HasSubstr("kind, input_size"));
  EXPECT_TRUE(torch::equal(embed(*load_model(folder.file("m"), tiny())), embed(*net)));
  BackboneOptions wider = tiny();
  wider.width = 8;
  const std::string misfit = error_of(ErrorKind::kFormat, [&] { load_model(folder.file("m"), wider); });
  EXPECT_THAT(misfit, HasSubstr(folder.file("m")));
  EXPECT_THAT(misfit, HasSubstr("tiny_cnn"));
}

TEST(ModelFile, BadOptionsInAFileAreFormatErrors) {
  test::TempDir folder;
  NamedArrays state;
  save_module(*used_net(), "", state);
  const std::pair<const char*, const char*> cases[] = {
      {"not json", "no JSON object"},
      {"[]", "no JSON object"},
      {R"({"kind": 3})", "'kind' has the wrong type"},
      {R"({"width": "wide"})", "'width' has the wrong type"},
      {R"({"width": 4.5})", "'width' has the wrong type"},
      {R"({"kind": "resnet"})", "unknown backbone 'resnet'"},
      {R"({"input_size": 1000000000})", "out of range"},
      {R"({"colour": 1})", "unknown option 'colour'"},
  };
  for (const auto& [text, words] : cases) {
    state.metadata["backbone"] = text;
    write_safetensors(folder.file("m"), state);
    const std::string message = error_of(ErrorKind::kFormat, [&] { load_model(folder.file("m")); });
    EXPECT_THAT(message, HasSubstr(words));
    EXPECT_THAT(message, HasSubstr(folder.file("m")));
  }
}

TEST(ModelFile, TruncatedFilesAreFormatErrors) {
  test::TempDir folder;
  save_model(folder.file("m"), *used_net());
  const std::string whole = read_text_file(folder.file("m"));
  for (std::size_t size = 0; size < whole.size(); size += 997) {
    folder.write("cut", whole.substr(0, size));
    error_of(ErrorKind::kFormat, [&] { load_model(folder.file("cut")); });
  }
}

}  // namespace
}  // namespace aface
