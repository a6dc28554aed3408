//! The whole terminal for one table: the alternate screen, so that what stood there before comes back.
//!
//! Signals and keys are answered by threads of their own, because the table's thread may wait for a source that hangs.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use terminal_size::{Height, Width, terminal_size_of};

use crate::CommandError;

/// The alternate screen, without a cursor.
const OPEN: &str = "\x1b[?1049h\x1b[?25l\x1b[2J";
const CLOSE: &str = "\x1b[?25h\x1b[?1049l";

#[derive(Debug)]
pub(crate) struct Screen {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: bool,
    /// The terminal's modes before ours, where there is a keyboard.
    modes: Option<Termios>,
    last: String,
}

/// Gives the terminal back, whichever way the table's thread ends.
#[derive(Debug)]
pub(crate) struct CloseAtEnd<'a>(pub(crate) &'a Screen);

impl Drop for CloseAtEnd<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The width of the terminal that standard output is, if it is one.
pub(super) fn columns() -> Option<usize> {
    terminal_size_of(std::io::stdout()).map(|(Width(columns), _)| columns.into())
}

impl Screen {
    /// Takes the screen where standard output is a terminal that can move its cursor. Keys, a new size and coming back
    /// from a stop send through `wake`.
    pub(crate) fn open(wake: &Sender<()>) -> Result<Option<Arc<Self>>, CommandError> {
        let dumb = std::env::var_os("TERM").is_none_or(|name| name.is_empty() || name == "dumb");
        if dumb || !std::io::stdout().is_terminal() {
            return Ok(None);
        }
        let modes = tcgetattr(std::io::stdin()).ok();
        let has_keyboard = modes.is_some();
        let screen = Arc::new(Self { state: Mutex::new(State { modes, ..State::default() }) });
        let signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH])
            .map_err(CommandError::Terminal)?;
        let (answering, sender) = (Arc::clone(&screen), wake.clone());
        spawn("signals", move || answering.answer_signals(signals, &sender))?;
        screen.enter();
        if has_keyboard {
            let (answering, sender) = (Arc::clone(&screen), wake.clone());
            spawn("keys", move || answering.answer_keys(&sender))?;
        }
        Ok(Some(screen))
    }

    /// Shows the text; what does not fit into the height is left out.
    pub(crate) fn draw(&self, text: &str) -> std::io::Result<()> {
        let mut state = self.lock();
        text.clone_into(&mut state.last);
        if !state.open {
            return Ok(());
        }
        let rows = terminal_size_of(std::io::stdout()).map_or(usize::MAX, |(_, Height(rows))| rows.into());
        let lines: Vec<_> = paint(text).lines().take(rows).map(str::to_owned).collect();
        // Each line is erased right before it is written: erasing all first flickers, and erasing behind a line that
        // fills the width takes its last character.
        let below = if lines.len() < rows { "\n\x1b[J" } else { "" };
        write(&format!("\x1b[H\x1b[K{}{below}", lines.join("\n\x1b[K")))
    }

    fn enter(&self) {
        let mut state = self.lock();
        if let Some(modes) = &state.modes {
            let mut keys = modes.clone();
            keys.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            keys.special_codes[SpecialCodeIndex::VMIN] = 1;
            keys.special_codes[SpecialCodeIndex::VTIME] = 0;
            // Without it, keys are read line by line: no reason to stop.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &keys);
        }
        // A terminal that does not take this does not take the table either, and that is told then.
        let _ = write(OPEN);
        state.open = true;
    }

    /// Gives the terminal back as it was, with the last table below the command line.
    fn close(&self) {
        let mut state = self.lock();
        if !state.open {
            return;
        }
        state.open = false;
        // The terminal may have gone: then there is nothing to give back.
        let _ = write(&format!("{CLOSE}{}", paint(&state.last)));
        if let Some(modes) = &state.modes {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, modes);
        }
    }

    fn answer_signals(&self, mut signals: Signals, wake: &Sender<()>) {
        for signal in &mut signals {
            match signal {
                SIGWINCH => {}
                SIGTSTP => {
                    self.close();
                    let _ = emulate_default_handler(SIGTSTP);
                }
                SIGCONT => {
                    // Also after a stop that could not be prepared for: the shell has used the screen since.
                    self.enter();
                }
                _ => {
                    self.close();
                    // Ends as if there were no handler, so that whoever started this sees the signal.
                    let _ = emulate_default_handler(signal);
                }
            }
            if wake.send(()).is_err() {
                return;
            }
        }
    }

    fn answer_keys(&self, wake: &Sender<()>) {
        for key in std::io::stdin().lock().bytes() {
            match key {
                Ok(b'q' | b'Q') => {
                    self.close();
                    std::process::exit(0);
                }
                Ok(_) if wake.send(()).is_ok() => {}
                _ => return,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), CommandError> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop).map_err(CommandError::Thread)
}

/// Past the stream that removes escape sequences where no colours are wanted: these are no colours.
fn write(text: &str) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}

/// Without colours where none are wanted.
fn paint(text: &str) -> String {
    match anstream::AutoStream::choice(&std::io::stdout()) {
        anstream::ColorChoice::Never => anstream::adapter::strip_str(text).to_string(),
        _ => text.to_owned(),
    }
}
