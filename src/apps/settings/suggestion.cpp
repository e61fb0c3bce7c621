#include "apps/settings/suggestion.hpp"

#include <algorithm>

namespace market::apps {
namespace {

/// Letters to insert, remove, replace or swap with their neighbour.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> rows(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) rows[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      rows[i][j] = std::min(
          {rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  return rows[a.size()][b.size()];
}

/// Without its section: `payment_window` is near to orders.payment_window.
std::string_view last_part(std::string_view key) {
  return key.substr(key.rfind('.') + 1);
}

}  // namespace

std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t word_bytes_max = 100;
  if (word.empty() || word.size() > word_bytes_max) return {};
  const std::string* nearest = nullptr;
  std::size_t least = std::max<std::size_t>(1, word.size() / 4) + 1;
  for (const auto& each : known) {
    auto far = distance(word, each);
    if (last_part(each).size() < each.size() && last_part(each) == last_part(word))
      far = std::min<std::size_t>(far, 1);
    if (far >= least) continue;
    least = far;
    nearest = &each;
  }
  return nearest ? "; did you mean " + *nearest + "?" : std::string();
}

}  // namespace market::apps
