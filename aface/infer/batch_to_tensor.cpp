#include "aface/infer/batch_to_tensor.h"

#include <torch/types.h>

#include "aface/core/check.h"
#include "aface/image/normalise.h"

namespace aface {

at::Tensor pixels_to_tensor(Span<const std::uint8_t> pixels, std::int64_t count, std::int64_t size_px,
                            at::Device device, ChipLayout layout) {
  AFACE_CHECK(static_cast<std::int64_t>(pixels.size()) == count * size_px * size_px * 3,
              "{} bytes for {} chips of {} px", pixels.size(), count, size_px);
  // from_blob asks for a pointer to non-const, but nothing writes through this tensor.
  const at::Tensor bytes =
      torch::from_blob(const_cast<std::uint8_t*>(pixels.data()), {count, size_px, size_px, 3},
                       torch::TensorOptions().dtype(torch::kUInt8));
  if (device.is_cpu() && layout == ChipLayout::kChannelsLast) {  // one pass instead of LibTorch's three
    const at::Tensor chips = torch::empty({count, size_px, size_px, 3}, torch::kFloat32);
    normalise_pixels(pixels.data(), pixels.size(), chips.data_ptr<float>());
    return chips.permute({0, 3, 1, 2});
  }
  const at::MemoryFormat format =
      layout == ChipLayout::kChannelsLast ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  // to() copies even on the same device, since the element type changes; [batch, h, w, 3] seen as [batch, 3,
  // h, w].
  at::Tensor chips = bytes.to(device)
                         .permute({0, 3, 1, 2})
                         .to(torch::kFloat32, /*non_blocking=*/false,
                             /*copy=*/false, format);
  return chips.sub_(127.5).div_(127.5);
}

at::Tensor batch_to_tensor(const Batch& batch, at::Device device, ChipLayout layout) {
  return pixels_to_tensor(batch.pixels, batch.count(), batch.size_px, device, layout);
}

at::Tensor identities_to_tensor(const Batch& batch, at::Device device) {
  return torch::tensor(at::ArrayRef<std::int64_t>(batch.identities), torch::kInt64).to(device);
}

}  // namespace aface
