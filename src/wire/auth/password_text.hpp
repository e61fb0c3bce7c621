#pragma once
/// Passwords as text: the one form that is hashed, and how hard they are to guess.

#include <string>
#include <string_view>
#include <vector>

namespace market::wire {

/// As RFC 8265 prepares an OpaqueString: every kind of space is U+0020, and the text is in Unicode's form
/// NFC, so that a password is the same from every keyboard. What is no UTF-8 stays as it is.
std::string prepared_password(std::string_view password);

/// Whether RFC 8265 (4.2.2) allows its characters: no control, no unassigned or private one, none that is no
/// character. Joiners and variation selectors, which it does not want either, are parts of emoji on every
/// phone.
bool is_password_text(std::string_view password);

/// zxcvbn's score, by the guesses that it takes: 0 below 10^3, 1 below 10^6, 2 below 10^8, 3 below 10^10,
/// else
/// 4. `own_words`: what everybody knows of the user. Of a long password the first 64 bytes are judged.
int password_score(std::string_view password, const std::vector<std::string>& own_words);

}  // namespace market::wire
