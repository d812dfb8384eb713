#include <string>

#include "aface/model/model_card.h"
#include "fuzz/fuzz.h"

// The texts in a model file: first line the network, the rest the card.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aface;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::size_t line_end = std::min(text.find('\n'), size);
  fuzz::expect_error_or_nothing([&] {
    const BackboneOptions network = parse_network(text.substr(0, line_end));
    const ModelCard card = parse_card(network, text.substr(std::min(size, line_end + 1)));
    if (card_json(parse_card(network, card_json(card))) != card_json(card)) std::abort();
    if (network_json(parse_network(network_json(network))) != network_json(network)) std::abort();
  });
  return 0;
}
