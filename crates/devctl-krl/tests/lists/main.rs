//! Lists against a model that cannot be wrong, against `ssh-keygen`, damaged, and of any bytes at all.

#![cfg(test)]

mod bed;
mod damage;
mod model;
mod oracle;
mod speed;
