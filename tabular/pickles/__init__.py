"""A reader of pickles that runs nothing: plain data, arrays, frames, and the archives torch writes."""
