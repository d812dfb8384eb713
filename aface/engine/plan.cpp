#include "aface/engine/plan.h"

#include <algorithm>
#include <dnnl.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "aface/core/check.h"
#include "aface/engine/blocked.h"
#include "aface/engine/open_mp_threads.h"
#include "aface/engine/packed_weights.h"

namespace aface {
namespace {

using dnnl::algorithm;
using dnnl::memory;
using Tag = memory::format_tag;
using Dims = memory::dims;
using Arguments = std::unordered_map<int, memory>;

memory::desc described(const Dims& dims, Tag tag) { return {dims, memory::data_type::f32, tag}; }

float* floats_of(const memory& values) { return static_cast<float*>(values.get_data_handle()); }

}  // namespace

struct Plan::Stage {
  std::vector<std::function<void(dnnl::stream&)>> steps;
  memory chips, rows;           // of the caller
  std::vector<memory> buffers;  // every other memory of the steps lies in these
};

// Goes through the graph once. A node that the step of an earlier one does as well (an activation, a sum) has
// no step.
class Plan::Maker {
 public:
  Maker(const Graph& graph, PackedWeights& weights, std::int64_t chips, const NodeObserver* observer,
        Stage& stage)
      : graph_(graph),
        weights_(weights),
        chips_(chips),
        observer_(observer),
        stage_(stage),
        uses_(graph.nodes.size()),
        values_(graph.nodes.size()) {
    for (const Node& node : graph_.nodes) {
      for (const int input : node.inputs) {
        if (input != Node::kChips) ++uses_[static_cast<std::size_t>(input)];
      }
    }
    stage_.chips =
        memory(described({chips_, 3, graph.input_size, graph.input_size}, Tag::abcd), cpu_engine(), nullptr);
    stage_.rows = memory(described({chips_, graph.nodes.back().channels}, Tag::ab), cpu_engine(), nullptr);
    for (int i = 0; i < static_cast<int>(graph_.nodes.size()); ++i) {
      if (!values_[static_cast<std::size_t>(i)]) make(i);
      if (observer_ != nullptr) show(i);
    }
    share_scratchpad();
  }

 private:
  // The output of a node, in a buffer that is free again after its last use.
  struct Value {
    memory data;
    std::size_t buffer = 0;
  };
  // A convolution and the nodes after it that are done along with it.
  struct Fused {
    int last = 0;              // whose output comes out
    std::optional<int> added;  // what a sum adds
    bool has_relu = false;
    const Node* prelu = nullptr;
  };

  const Node& node(int i) const { return graph_.nodes[static_cast<std::size_t>(i)]; }
  Value& value(int i) { return *values_[static_cast<std::size_t>(i)]; }
  memory input_of(int i) { return i == Node::kChips ? stage_.chips : value(i).data; }
  BlockedShape shape_of(int i) const {
    return {chips_, graph_.channels_of(i), graph_.side_of(i), graph_.side_of(i)};
  }
  memory::desc blocked(int i) const {
    return described({chips_, graph_.channels_of(i), graph_.side_of(i), graph_.side_of(i)}, Tag::aBcd16b);
  }

  void make(int i) {
    switch (node(i).operation) {
      case Operation::kConvolution:
        return make_convolution(i);
      case Operation::kScaleShift:
        return make_scale_shift(i);
      case Operation::kFullyConnected:
        return make_fully_connected(i);
      case Operation::kPRelu:
      case Operation::kRelu:
        return make_activation(i);
      case Operation::kAdd:
        return make_sum(i);
    }
  }

  // Space for the output of node i.
  memory new_value(int i) {
    const memory::desc desc = blocked(i);
    auto fits = std::find_if(free_.begin(), free_.end(), [&](std::size_t buffer) {
      return stage_.buffers[buffer].get_desc().get_size() >= desc.get_size();
    });
    std::size_t buffer = stage_.buffers.size();
    if (fits != free_.end()) {
      buffer = *fits;
      free_.erase(fits);
    } else {
      stage_.buffers.emplace_back(desc, cpu_engine());
    }
    memory data(desc, cpu_engine(), stage_.buffers[buffer].get_data_handle());
    values_[static_cast<std::size_t>(i)] = Value{data, buffer};
    return data;
  }

  // The output of node i takes the place of another one, which nobody needs afterwards.
  memory replace_value(int i, int replaced) {
    AFACE_CHECK(uses_[static_cast<std::size_t>(replaced)] == 1, "'{}' is needed later", node(replaced).name);
    uses_[static_cast<std::size_t>(replaced)] = 0;
    values_[static_cast<std::size_t>(i)] = value(replaced);
    return value(i).data;
  }

  void used(int i) {
    if (i != Node::kChips && --uses_[static_cast<std::size_t>(i)] == 0) free_.push_back(value(i).buffer);
  }

  // The node after i, if it alone uses i and is of this kind.
  std::optional<int> follower(int i, Operation operation) const {
    const int next = i + 1;
    if (next >= static_cast<int>(graph_.nodes.size()) || uses_[static_cast<std::size_t>(i)] != 1)
      return std::nullopt;
    const std::vector<int>& inputs = node(next).inputs;
    const bool takes = std::find(inputs.begin(), inputs.end(), i) != inputs.end();
    return takes && node(next).operation == operation ? std::optional<int>(next) : std::nullopt;
  }

  Fused fused_from(int i) const {
    Fused fused;
    fused.last = i;
    if (observer_ != nullptr) return fused;
    if (const auto sum = follower(i, Operation::kAdd)) {
      const std::vector<int>& inputs = node(*sum).inputs;
      fused.added = inputs[0] == i ? inputs[1] : inputs[0];
      fused.last = *sum;
    }
    if (const auto relu = follower(fused.last, Operation::kRelu)) {
      fused.has_relu = true;
      fused.last = *relu;
    } else if (const auto prelu = follower(fused.last, Operation::kPRelu)) {
      fused.prelu = &node(*prelu);
      fused.last = *prelu;
    }
    return fused;
  }

  // Attributes of all operations. Working memory of oneDNN's own would belong to the thread that makes an
  // operation, not to the one that runs it.
  static dnnl::primitive_attr attributes_with(const dnnl::post_ops& after) {
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(after);
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    return attributes;
  }

  // Operations take turns, so one piece of memory is enough.
  void share_scratchpad() {
    std::size_t most = 0;
    for (const memory& scratchpad : scratchpads_) most = std::max(most, scratchpad.get_desc().get_size());
    if (most == 0) return;
    const memory::dim bytes = static_cast<memory::dim>(most);
    stage_.buffers.emplace_back(memory::desc({bytes}, memory::data_type::u8, Tag::a), cpu_engine());
    for (memory& scratchpad : scratchpads_)
      scratchpad.set_data_handle(stage_.buffers.back().get_data_handle());
  }

  void add_primitive(const dnnl::primitive& primitive, const memory::desc& scratchpad, Arguments arguments) {
    scratchpads_.emplace_back(scratchpad, cpu_engine(), nullptr);
    arguments.insert({DNNL_ARG_SCRATCHPAD, scratchpads_.back()});
    stage_.steps.push_back([primitive, arguments = std::move(arguments)](dnnl::stream& stream) {
      primitive.execute(stream, arguments);
    });
  }

  const float* slopes_of(const Node& prelu) { return weights_.per_channel(prelu.name, prelu.weight); }

  void finish_fused(int first, int last);
  void make_convolution(int i);
  void make_channel_convolution(int i, const Fused& fused);
  void make_scale_shift(int i);
  void make_activation(int i);
  void make_sum(int i);
  void make_fully_connected(int i);
  void show(int i);
  dnnl::convolution_forward::primitive_desc convolution_of(int i,
                                                           const dnnl::primitive_attr& attributes) const;

  const Graph& graph_;
  PackedWeights& weights_;
  const std::int64_t chips_;
  const NodeObserver* const observer_;  // null: none
  Stage& stage_;
  std::vector<int> uses_;                     // that are still to come
  std::vector<std::optional<Value>> values_;  // nothing where no step has made it yet
  std::vector<std::size_t> free_;             // buffers
  std::vector<memory> scratchpads_;           // of the operations, which get their place at the end
};

// Winograd's algorithm takes a half to a quarter of the multiplications; oneDNN has it for some shapes.
dnnl::convolution_forward::primitive_desc Plan::Maker::convolution_of(
    int i, const dnnl::primitive_attr& attributes) const {
  const Node& n = node(i);
  const int input = n.inputs[0];
  const std::int64_t in = graph_.channels_of(input), k = n.kernel;
  const memory::desc source = input == Node::kChips ? stage_.chips.get_desc() : blocked(input);
  const memory::desc weights =
      n.groups == 1 ? described({n.channels, in, k, k}, Tag::any)
                    : described({n.groups, n.channels / n.groups, in / n.groups, k, k}, Tag::any);
  const Dims strides{n.stride, n.stride}, padding{n.padding, n.padding};
  const auto made = [&](algorithm kind) {
    return dnnl::convolution_forward::primitive_desc(
        dnnl::convolution_forward::desc(dnnl::prop_kind::forward_inference, kind, source, weights,
                                        described({n.channels}, Tag::a), blocked(i), strides, padding,
                                        padding),
        attributes, cpu_engine(), /*allow_empty=*/true);
  };
  if (k == 3 && n.stride == 1 && n.groups == 1 && input != Node::kChips) {
    if (auto fast = made(algorithm::convolution_winograd)) return fast;
  }
  auto direct = made(algorithm::convolution_direct);
  AFACE_CHECK(bool(direct), "oneDNN has no convolution for '{}'", n.name);
  return direct;
}

void Plan::Maker::make_convolution(int i) {
  const Node& n = node(i);
  const int input = n.inputs[0];
  const std::int64_t in = graph_.channels_of(input), k = n.kernel;
  const Fused fused = fused_from(i);
  const bool is_by_channel =
      n.groups > 1 && n.channels == in && in / n.groups <= 2 && k == 3 && n.padding == 1;
  if (is_by_channel && !fused.added && !fused.has_relu) return make_channel_convolution(i, fused);

  dnnl::post_ops after;
  if (fused.added) after.append_sum(1.0F);
  if (fused.has_relu) after.append_eltwise(1.0F, algorithm::eltwise_relu, 0.0F, 0.0F);
  const auto description = convolution_of(i, attributes_with(after));
  const memory::desc plain =
      n.groups == 1 ? described({n.channels, in, k, k}, Tag::abcd)
                    : described({n.groups, n.channels / n.groups, in / n.groups, k, k}, Tag::abcde);
  const memory weights = weights_.packed(n.name, n.weight.data(), plain, description.weights_desc());
  const memory::desc bias_plain = described({n.channels}, Tag::a);
  const memory bias = weights_.packed(n.name + ".bias", n.bias.data(), bias_plain, bias_plain);
  const memory source = input_of(input);
  const memory target = fused.added ? replace_value(fused.last, *fused.added) : new_value(fused.last);
  add_primitive(
      dnnl::convolution_forward(description), description.scratchpad_desc(),
      {{DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_BIAS, bias}, {DNNL_ARG_DST, target}});
  if (fused.prelu != nullptr) {
    const BlockedShape shape = shape_of(i);
    stage_.steps.push_back([shape, slopes = slopes_of(*fused.prelu), values = floats_of(target)](
                               dnnl::stream&) { prelu_in_place(shape, slopes, values); });
  }
  finish_fused(i, fused.last);
}

void Plan::Maker::make_channel_convolution(int i, const Fused& fused) {
  const Node& n = node(i);
  const int input = n.inputs[0];
  ChannelConvolution convolution;
  convolution.in = shape_of(input);
  convolution.stride = n.stride;
  convolution.group = n.channels / n.groups;
  const auto packed_size = static_cast<std::size_t>(blocks_of(n.channels) * convolution.group * 9 * kBlock);
  convolution.weights = weights_.own(n.name, packed_size, [&](float* packed) {
    pack_channel_weights(n.channels, convolution.group, n.weight.data(), packed);
  });
  convolution.bias = weights_.per_channel(n.name + ".bias", n.bias);
  if (fused.prelu != nullptr) convolution.slopes = slopes_of(*fused.prelu);
  const float* source = floats_of(input_of(input));
  float* target = floats_of(new_value(fused.last));
  stage_.steps.push_back([=](dnnl::stream&) { convolve_channels(convolution, source, target); });
  finish_fused(i, fused.last);
}

void Plan::Maker::make_scale_shift(int i) {
  const Node& n = node(i);
  const int input = n.inputs[0];
  const BlockedShape shape = shape_of(i);
  const float *scale = weights_.per_channel(n.name, n.weight),
              *shift = weights_.per_channel(n.name + ".bias", n.bias);
  const float* source = floats_of(input_of(input));
  float* target = floats_of(new_value(i));
  stage_.steps.push_back([=](dnnl::stream&) { scale_shift(shape, scale, shift, source, target); });
  used(input);
}

// Where no convolution does it along.
void Plan::Maker::make_activation(int i) {
  const Node& n = node(i);
  const int input = n.inputs[0];
  const BlockedShape shape = shape_of(i);
  const std::vector<float> zeros(
      static_cast<std::size_t>(n.channels));  // a ReLU is a PReLU with these slopes
  const float* slopes = weights_.per_channel(n.name, n.operation == Operation::kRelu ? zeros : n.weight);
  const memory source = input_of(input), target = new_value(i);
  stage_.steps.push_back([=](dnnl::stream&) {
    std::copy_n(floats_of(source), source.get_desc().get_size() / sizeof(float), floats_of(target));
    prelu_in_place(shape, slopes, floats_of(target));
  });
  used(input);
}

void Plan::Maker::make_sum(int i) {
  const std::vector<int>& inputs = node(i).inputs;
  const memory a = input_of(inputs[0]), b = input_of(inputs[1]), target = new_value(i);
  stage_.steps.push_back([=](dnnl::stream&) {
    std::transform(floats_of(a), floats_of(a) + a.get_desc().get_size() / sizeof(float), floats_of(b),
                   floats_of(target), std::plus<>());
  });
  for (const int input : inputs) used(input);
}

void Plan::Maker::make_fully_connected(int i) {
  const Node& n = node(i);
  const int input = n.inputs[0];
  AFACE_CHECK(i + 1 == static_cast<int>(graph_.nodes.size()), "'{}' is not the last layer", n.name);
  const std::int64_t in = graph_.channels_of(input), side = graph_.side_of(input);
  const Dims weight_dims{n.channels, in, side, side};
  const dnnl::inner_product_forward::primitive_desc description(
      dnnl::inner_product_forward::desc(dnnl::prop_kind::forward_inference, blocked(input),
                                        described(weight_dims, Tag::any), described({n.channels}, Tag::a),
                                        stage_.rows.get_desc()),
      attributes_with({}), cpu_engine());
  const memory weights =
      weights_.packed(n.name, n.weight.data(), described(weight_dims, Tag::abcd), description.weights_desc());
  const memory::desc bias_plain = described({n.channels}, Tag::a);
  const memory bias = weights_.packed(n.name + ".bias", n.bias.data(), bias_plain, bias_plain);
  add_primitive(dnnl::inner_product_forward(description), description.scratchpad_desc(),
                {{DNNL_ARG_SRC, input_of(input)},
                 {DNNL_ARG_WEIGHTS, weights},
                 {DNNL_ARG_BIAS, bias},
                 {DNNL_ARG_DST, stage_.rows}});
  used(input);
}

// What was done in one step has been made; its input is not needed any more.
void Plan::Maker::finish_fused(int first, int last) {
  for (int i = first; i < last; ++i)
    values_[static_cast<std::size_t>(i)] = values_[static_cast<std::size_t>(last)];
  used(node(first).inputs[0]);
}

// The observer reads outputs without blocks.
void Plan::Maker::show(int i) {
  const NodeObserver& observer = *observer_;
  if (!values_[static_cast<std::size_t>(i)]) {  // the last layer's
    stage_.steps.push_back(
        [=, &observer, rows = stage_.rows](dnnl::stream&) { observer(i, floats_of(rows)); });
    return;
  }
  const BlockedShape shape = shape_of(i);
  const memory blocked = value(i).data;
  const memory plain(described({shape.images, shape.channels, shape.rows, shape.columns}, Tag::abcd),
                     cpu_engine());
  const dnnl::reorder reorder(blocked, plain);
  stage_.steps.push_back([=, &observer](dnnl::stream& stream) {
    memory from = blocked, to = plain;
    reorder.execute(stream, from, to);
    observer(i, floats_of(plain));
  });
}

Plan::Plan(const Graph& graph, PackedWeights& weights, std::int64_t chips, int threads,
           const NodeObserver* observer)
    : threads_(threads), stage_(std::make_unique<Stage>()) {
  const OpenMpThreads of_this_plan(threads_);
  Maker(graph, weights, chips, observer, *stage_);
}

Plan::~Plan() = default;

void Plan::run(const float* chips, float* rows) {
  const OpenMpThreads of_this_plan(threads_);
  // oneDNN's memory knows no const; chips are only read.
  stage_->chips.set_data_handle(const_cast<float*>(chips));
  stage_->rows.set_data_handle(rows);
  dnnl::stream stream(cpu_engine());
  for (const auto& step : stage_->steps) step(stream);
  stream.wait();
}

}  // namespace aface
