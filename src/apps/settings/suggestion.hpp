#pragma once
/// What somebody may have meant who mistyped a command, a flag or a setting.

#include <string>
#include <string_view>
#include <vector>

namespace market::apps {

/// "; did you mean X?" with the known word that is nearest to `word`; empty when none is near.
std::string suggestion(std::string_view word, const std::vector<std::string>& known);

}  // namespace market::apps
