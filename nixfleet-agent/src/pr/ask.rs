//! A question before anything is done.

use super::PrError;
use crate::question;

/// Goes on where the answer is yes, or `yes` was said before.
pub(super) fn ask(question: &str, yes: bool) -> Result<(), PrError> {
    if yes {
        return Ok(());
    }
    if !question::can_be_asked() {
        return Err(PrError::NobodyToAsk);
    }
    if question::agrees(question).map_err(PrError::Answer)? { Ok(()) } else { Err(PrError::NotWanted) }
}
