#pragma once
/// A sentence that may be shown to a buyer, for each code of a problem, in the language that is asked for.

#include <cstdint>
#include <string>
#include <string_view>

namespace market::http {

enum class Language : std::uint8_t { english, korean };

/// By Accept-Language (RFC 9110 12.5.4): the one of ours with the greater weight, English when neither is
/// named.
Language language_of(std::string_view accept_language);

std::string_view sentence_for(std::string_view code, Language language);

/// Puts it into a problem document as `message`.
void add_sentence(std::string& problem, std::string_view accept_language);

}  // namespace market::http
